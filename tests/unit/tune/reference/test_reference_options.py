"""Options of trl: what is passed on, what the study sets itself, what is refused and when."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from aftertune.errors import SpecError
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.reference.options import OPTIONS, STUDY_KEYS, check_trainer_options


def spec(**changes):
    return TuneSpec(engine="reference", **changes)


def test_known_options_pass():
    check_trainer_options(spec(trainer={"packing": True, "neftune_noise_alpha": 5.0}))


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ({"packin": True}, "did you mean 'packing'"),
        ({"learning_rte": 1}, "did you mean 'learning_rate'"),
        ({"learning_rate": 1e-3}, "sets this by its own key `tune.learning_rate`"),
        ({"seed": 3}, "sets this by its own key `tune.training_seeds`"),
        ({"output_dir": "here"}, "passes no such option on"),
        ({"trust_remote_code": True}, "passes no such option on"),
        ({"packing": True, "packing_strategy": "wrapped"}, "lets documents see each other"),
        ({"fsdp": True}, "there is one"),
        ({"deepspeed": "settings.json"}, "'settings.json' is no mapping"),
        ({"deepspeed": {"optimizer": {}, "bf16": {}}}, "deepspeed sets optimizer, which the study sets"),
    ],
)
def test_other_options_are_refused_with_a_fix(trainer, message):
    with pytest.raises(SpecError, match=message) as caught:
        check_trainer_options(spec(trainer=trainer))
    assert caught.value.fix


def test_processes_share_a_batch_evenly():
    with pytest.raises(SpecError, match=r"batch_size \(16\) cannot be shared evenly by tune.processes \(3\)"):
        check_trainer_options(spec(processes=3))


def test_every_name_is_a_setting_of_trl():
    from trl import SFTConfig

    known = {field.name for field in fields(SFTConfig)}
    assert known >= OPTIONS
    assert known >= set(STUDY_KEYS)
    assert set(TuneSpec.model_fields) >= set(STUDY_KEYS.values())


def test_the_check_needs_no_torch():
    check = (
        "import sys; from aftertune.tune.reference import check_trainer_options; "
        "from aftertune.spec.tuning import TuneSpec; check_trainer_options(TuneSpec(engine='reference')); "
        "print(sorted({'torch', 'trl', 'transformers', 'peft', 'datasets'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
