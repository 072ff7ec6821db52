"""What can go wrong in the middle: kills, numbers that are none, memory that runs out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.full import tune_full
from aftertune.tune.native.engine import tune_together
from aftertune.tune.record import Run

FAST = {"rank": 2, "learning_rate": 5e-3, "epochs": 4, "batch_size": 4, "max_length": 128}
ROWS = [
    Row(str(n), (Turn("user", f"How do I bake bread {n}?"), Turn("assistant", f"Mix flour {n}. " * (1 + n % 4))))
    for n in range(10)
]


class Killed(BaseException):
    """Stands for the end of the process: nothing below catches it."""


def make(folder: Path, key: str = "x", seed: int = 1, *, resume: Path | None = None, **changes) -> Run:
    folder.mkdir(parents=True)
    return Run(key, ROWS, TuneSpec(**{**FAST, **changes}), 0, seed, "tiny", folder, resume=resume)


def go(model: Path, runs: list[Run], *, kill_at: int | None = None, every_s: float = 0.0):
    failures: dict[str, TuneError] = {}

    def tick(key: str, at) -> None:
        if at.step == kill_at:
            raise Killed

    loaded = load_model(ModelRef(model))
    if runs[0].spec.kind == "full":
        return {runs[0].key: tune_full(loaded, runs[0], tick, snapshot_every_s=every_s)}, failures
    return tune_together(loaded, runs, tick, failures.__setitem__, snapshot_every_s=every_s), failures


MITIGATED = {"ema": 0.9, "early_stop": {"share": 0.2, "every": 2, "patience": 1}, "first_tokens": {}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dropout": 0.2, "micro_batch_size": 3, "optimizer": "nadam", "schedule": "cosine"},
        MITIGATED,
        {"early_stop": {"share": 0.2, "every": 1, "patience": 3}},
        {"optimizer": "sgd"},
        {"kind": "full", "learning_rate": 1e-3},
        {"kind": "full", "learning_rate": 1e-3, "optimizer": "rmsprop"},
    ],
    ids=["plain", "dropout, pieces", "mitigations", "early stop", "sgd", "full", "full, rmsprop"],
)
def test_a_killed_run_goes_on_to_the_same_bytes(model_folder, tmp_path, changes):
    model, kept = model_folder("llama"), tmp_path / "resume"
    whole, _ = go(model, [make(tmp_path / "whole", **changes)])
    with pytest.raises(Killed):
        go(model, [make(tmp_path / "killed", resume=kept, **changes)], kill_at=5)
    assert (kept / "state.safetensors").is_file()
    steps: list[int] = []
    again = make(tmp_path / "again", resume=kept, **changes)
    loaded = load_model(ModelRef(model))
    if again.spec.kind == "full":
        records = {"x": tune_full(loaded, again, lambda key, at: steps.append(at.step))}
    else:
        records = tune_together(loaded, [again], lambda key, at: steps.append(at.step), lambda *a: None)
    assert steps[0] == 5  # four steps were kept, and were not made again
    assert records["x"] == whole["x"]
    names = sorted(str(path.relative_to(tmp_path / "whole")) for path in (tmp_path / "whole").rglob("*.*"))
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_killed_run_goes_on_in_other_company(model_folder, tmp_path):
    model, kept = model_folder("llama"), tmp_path / "resume"
    whole, _ = go(model, [make(tmp_path / "whole")])
    with pytest.raises(Killed):
        go(model, [make(tmp_path / "k", resume=kept), make(tmp_path / "o", "y", 2)], kill_at=6)
    found, _ = go(model, [make(tmp_path / "z", "z", 3), make(tmp_path / "again", resume=kept)])
    assert found["x"].final_sha256 == whole["x"].final_sha256


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 64])
def test_a_damaged_snapshot_is_no_snapshot(model_folder, tmp_path, content):
    kept = tmp_path / "resume"
    kept.mkdir()
    (kept / "state.safetensors").write_bytes(content)
    whole, _ = go(model_folder("llama"), [make(tmp_path / "whole")], every_s=99)
    again, _ = go(model_folder("llama"), [make(tmp_path / "again", resume=kept)], every_s=99)
    assert again["x"] == whole["x"]


@pytest.mark.parametrize("place", [0, 1])
def test_a_run_that_diverges_stops_alone(model_folder, tmp_path, place):
    model = model_folder("llama")
    whole, _ = go(model, [make(tmp_path / "whole")])
    bad = make(tmp_path / "bad", "bad", 2, learning_rate=1.0, max_grad_norm=1e30, optimizer="sgd", alpha=1e30)
    runs = [make(tmp_path / "mine")]
    runs.insert(place, bad)
    records, failures = go(model, runs)
    assert list(failures) == ["bad"]
    assert "no longer a number at step" in failures["bad"].message
    assert "learning_rate" in failures["bad"].fix
    assert records["x"].final_sha256 == whole["x"].final_sha256
    assert not (tmp_path / "bad" / "checkpoint").exists()


def test_a_run_whose_share_of_rows_is_too_small_fails_alone(model_folder, tmp_path):
    model = model_folder("llama")
    whole, _ = go(model, [make(tmp_path / "whole")])
    records, failures = go(model, [make(tmp_path / "few", "few", 2, subsample=0.2), make(tmp_path / "mine")])
    assert list(failures) == ["few"]
    assert "fewer than one batch" in failures["few"].message
    assert records["x"].final_sha256 == whole["x"].final_sha256


_TIGHT = """
import json, resource, sys
from pathlib import Path
from aftertune.backends.hf import ModelRef, load_model
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.full import tune_full
from aftertune.tune.native.engine import tune_together
from aftertune.tune.record import Run
model, out, kind, room = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
rows = [Row(str(n), (Turn("user", "Bake?"), Turn("assistant", "bread " * (220 if n else 9)))) for n in range(32)]
spec = TuneSpec(kind=kind, rank=2, epochs=1, batch_size=32, max_length=240, learning_rate=1e-3)
runs = []
for seed in range(4 if kind == "lora" else 1):
    (out / str(seed)).mkdir()
    runs.append(Run(str(seed), rows, spec, 0, seed, "tiny", out / str(seed)))
loaded = load_model(ModelRef(model))
(out / "warm").mkdir()  # libraries set themselves up with what memory they like
warm = Run("w", rows[:2], TuneSpec(rank=2, batch_size=2, max_length=240), 0, 9, "tiny", out / "warm")
tune_together(loaded, [warm], lambda *a: None, lambda key, error: sys.exit(str(error)))
if room:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
if kind == "full":
    records = {"0": tune_full(loaded, runs[0], lambda *a: None)}
else:
    records = tune_together(loaded, runs, lambda *a: None, lambda key, error: sys.exit(str(error)))
print(json.dumps({key: [record.final_sha256, record.notes, record.loss_last] for key, record in records.items()}))
"""


def tight(model: Path, out: Path, kind: str, room: int) -> dict:
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _TIGHT, str(model), str(out), kind, str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited by a Linux call")
def test_memory_that_runs_out_makes_smaller_passes_and_says_so(model_folder, tmp_path):
    free = tight(model_folder("llama"), tmp_path / "free", "lora", 0)
    found = tight(model_folder("llama"), tmp_path / "tight", "lora", 200_000_000)
    notes = found["0"][1]
    assert any("adapters per pass lowered from 4 to 2" in note for note in notes)
    if not any("rows per pass" in note for note in notes):
        assert [found[key][0] for key in found] == [free[key][0] for key in free]
    for key, (_, _, loss) in found.items():
        assert loss == pytest.approx(free[key][2], rel=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited by a Linux call")
def test_full_fine_tuning_lowers_its_rows_per_pass(model_folder, tmp_path):
    free = tight(model_folder("llama"), tmp_path / "free", "full", 0)
    found = tight(model_folder("llama"), tmp_path / "tight", "full", 60_000_000)
    assert any("rows per pass lowered from 32 to 16" in note for note in found["0"][1])
    assert found["0"][2] == pytest.approx(free["0"][2], rel=1e-4)
