"""Settings that cannot work are refused before anything is loaded, with what would work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aftertune.backends.folder import open_folder
from aftertune.errors import TuneError
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.preflight import check_settings, refuse_overlong


def refused(folder: Path, **settings) -> TuneError:
    with pytest.raises(TuneError) as caught:
        check_settings(TuneSpec(**settings), open_folder(folder))
    return caught.value


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma", "gpt2"])
@pytest.mark.parametrize("targets", ["all-linear", r".*\.(q_proj|c_attn)", ("q_proj",), ("c_attn",)])
def test_what_peft_would_take_is_taken(model_folder, family, targets):
    from aftertune.backends.hf import ModelRef, load_model
    from aftertune.tune.native.adapter import fresh_adapter

    if targets in (("q_proj",), ("c_attn",)) and (family == "gpt2") != (targets == ("c_attn",)):
        pytest.skip("the family has no such module")
    spec, folder = TuneSpec(target_modules=targets), model_folder(family)
    check_settings(spec, open_folder(folder))
    assert fresh_adapter(load_model(ModelRef(folder)).model, spec, 0).targets


def test_targets_that_match_nothing_are_answered_with_what_exists(model_folder):
    error = refused(model_folder("llama"), target_modules=("q_proj", "v_prj"))
    assert "'v_prj'" in error.message
    assert "did you mean 'v_proj'" in error.message
    assert "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj" in error.message
    assert "'nothing.*'" in refused(model_folder("llama"), target_modules="nothing.*").message


@pytest.mark.parametrize("name", ["lm_head", "embed_tokens"])
def test_head_and_embedding_are_no_targets(model_folder, name):
    assert name in refused(model_folder("llama"), target_modules=("q_proj", name)).message


def test_a_tied_head_says_so(model_folder, tmp_path):
    tied = changed(model_folder("llama"), tmp_path / "tied", tie_word_embeddings=True)
    assert "shares its weights" in refused(tied, target_modules=("lm_head",)).message


def test_rank_larger_than_a_dimension(model_folder):
    error = refused(model_folder("llama"), rank=64)
    assert "tune.rank is 64" in error.message
    assert "32 wide (32 x 64)" in error.message
    assert "16 or less" in error.fix
    check_settings(TuneSpec(rank=16), open_folder(model_folder("llama")))


def test_a_quantised_base_is_refused_by_the_native_engine(model_folder, tmp_path):
    stored = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    folder = changed(model_folder("llama"), tmp_path / "q", **stored)
    error = refused(folder)
    assert "gptq" in error.message
    assert "qlora" in error.fix
    assert "gptq" in refused(folder, kind="full").message


def changed(folder: Path, to: Path, **settings) -> Path:
    shutil.copytree(folder, to)
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, **settings}))
    return to


LONG = [Row(str(n), (Turn("user", "Bake?"), Turn("assistant", "bread and butter " * (40 + n)))) for n in range(3)]


def test_answers_that_are_all_too_long_stop_the_study_and_are_counted(model_folder):
    model = {"path": str(model_folder("llama")), "chat_template": None, "dtype": "float32"}
    with pytest.raises(TuneError, match=r"all 3 answers are cut at max_length \(64 tokens\)") as caught:
        refuse_overlong(LONG, TuneSpec(max_length=64), model)
    assert "the shortest row has" in caught.value.fix
    refuse_overlong(LONG, TuneSpec(max_length=4096), model)
    short = Row("s", (Turn("user", "Bake?"), Turn("assistant", "Yes.")))
    refuse_overlong([*LONG, short], TuneSpec(max_length=64), model)


def test_no_torch_is_needed(model_folder):
    code = (
        "import sys; from pathlib import Path; from aftertune.backends.folder import open_folder;"
        "from aftertune.spec.tuning import TuneSpec; from aftertune.tune.preflight import check_settings;"
        "check_settings(TuneSpec(), open_folder(Path(sys.argv[1]))); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(model_folder("llama"))], check=True)


def test_an_unknown_optimiser_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'adamw', 'adam', 'sgd'"):
        TuneSpec(optimizer="adamax")
