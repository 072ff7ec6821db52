"""Folders of data files, folders that `datasets` saved, and data sets of the hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aftertune.data import load, load_source
from aftertune.data.hub import find_hub_data
from aftertune.data.place import FilePlace, FolderPlace, place_of
from aftertune.errors import DataError, NoData
from aftertune.files import source_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def rows(n: int, start: int = 0) -> list[dict[str, str]]:
    return [{"prompt": f"Ask {i}", "completion": f"Say {i}"} for i in range(start, start + n)]


def lines(path: Path, found: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return path


def parquet(path: Path, found: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(found).write_parquet(path)
    return path


def prompts(folder: Path, split: str | None = None) -> list[str]:
    return [row.prompt for row in load_source(folder, split=split).rows]


def test_shards_of_a_split_are_one_data_set_in_order(tmp_path: Path) -> None:
    for n in range(3):
        parquet(tmp_path / f"data/train-0000{n}-of-00003.parquet", rows(2, 2 * n))
    parquet(tmp_path / "data/test-00000-of-00001-0123456789abcdef.parquet", rows(1, 90))
    (tmp_path / "README.md").write_text("# A set")
    lines(tmp_path / ".cache/train.jsonl", rows(9))
    assert prompts(tmp_path, "train") == [f"Ask {i}" for i in range(6)]
    assert [row.id for row in load_source(tmp_path, split="train").rows] == list("123456")
    assert prompts(tmp_path, "test") == ["Ask 90"]
    with pytest.raises(DataError, match="has the splits test, train, and none is named") as caught:
        load_source(tmp_path)
    assert caught.value.fix == "add `split: test`, or name one of its files"
    with pytest.raises(DataError, match=r"no split 'trian' \(did you mean 'train'\?\); there are: test, train"):
        load_source(tmp_path, split="trian")


@pytest.mark.parametrize(
    ("names", "split", "taken"),
    [
        (["alpaca_data.json"], None, ["alpaca_data.json"]),
        (["alpaca_data.json"], "train", ["alpaca_data.json"]),
        (["train.jsonl", "dev.jsonl"], "validation", ["dev.jsonl"]),
        (["train/a.jsonl", "train/b.jsonl.gz", "test/a.jsonl"], "train", ["a.jsonl", "b.jsonl.gz"]),
        (["contest.jsonl", "trainer.jsonl"], "train", ["contest.jsonl", "trainer.jsonl"]),
        (["my_train_rows.csv", "my-test-rows.csv"], "test", ["my-test-rows.csv"]),
        (["rows.jsonl", "dataset_infos.json", "notes.txt"], None, ["rows.jsonl"]),
    ],
)
def test_splits_are_told_from_names(tmp_path: Path, names: list[str], split: str | None, taken: list[str]) -> None:
    for name in names:
        lines(tmp_path / name, rows(1))
    place = place_of(tmp_path, split)
    assert [path.name for path in (place.files if isinstance(place, FolderPlace) else [place.path])] == taken  # type: ignore[attr-defined]


def test_a_split_in_several_folders_is_not_guessed(tmp_path: Path) -> None:
    parquet(tmp_path / "main/train-00000-of-00001.parquet", rows(1))
    parquet(tmp_path / "socratic/train-00000-of-00001.parquet", rows(1))
    with pytest.raises(DataError, match="split train is in several folders: main, socratic") as caught:
        load_source(tmp_path)
    assert caught.value.fix == "name one of these folders"
    assert prompts(tmp_path / "main") == ["Ask 0"]


def test_a_row_of_a_folder_is_placed_in_its_file(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", rows(2))
    lines(tmp_path / "b.jsonl", [{"prompt": ["x"], "completion": "y"}])
    with pytest.raises(DataError, match=r" b\.jsonl line 1: column 'prompt': found a list"):
        load_source(tmp_path)


def test_what_tells_a_folders_data_from_others_is_their_files(tmp_path: Path) -> None:
    one = lines(tmp_path / "one/train.jsonl", rows(2))
    assert place_of(one.parent).sha256() == source_digest(one), "a single file is itself, wherever it lies"
    assert isinstance(place_of(one.parent), FilePlace)
    for folder, names in (("two", "ab"), ("three", "ab"), ("four", "ba")):
        for n, name in enumerate(names):
            lines(tmp_path / folder / f"{name}.jsonl", rows(1, n))
    digests = [load_source(tmp_path / folder).sha256 for folder in ("two", "three", "four")]
    assert digests[0] == digests[1] != digests[2]


def test_places_without_data(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"is a folder without data files; it holds notes\.txt"):
        load_source(tmp_path)
    with pytest.raises(DataError, match="a file has no splits"):
        load_source(lines(tmp_path / "a.jsonl", rows(1)), split="train")
    with pytest.raises(DataError, match="there is no such file"):
        load_source(tmp_path / "none")


def test_a_folder_is_written_to_one_file(tmp_path: Path) -> None:
    for n in range(2):
        parquet(tmp_path / f"in/train-0000{n}-of-00002.parquet", rows(2, 2 * n))
    dataset = load(tmp_path / "in")
    for name in ("out.parquet", "out.jsonl"):
        dataset.write(tmp_path / name)
        assert load(tmp_path / name).rows == dataset.rows


def test_what_datasets_saves_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    talk = [{"id": str(n), "messages": [{"role": "user", "content": f"Ask {n}"}, {"role": "assistant", "content": "é"}]}
            for n in range(5)]  # fmt: skip
    one = datasets.Dataset.from_list(talk)
    one.save_to_disk(str(tmp_path / "one"), num_shards=2)
    assert [row.id for row in load_source(tmp_path / "one").rows] == ["0", "1", "2", "3", "4"]
    one.shuffle(seed=1).select(range(2)).save_to_disk(str(tmp_path / "chosen"))
    assert len(load_source(tmp_path / "chosen").rows) == 2
    datasets.DatasetDict(train=one, test=one.select([3])).save_to_disk(str(tmp_path / "both"))
    assert prompts(tmp_path / "both", "test") == ["Ask 3"]
    assert len(prompts(tmp_path / "both", "train")) == 5
    with pytest.raises(DataError, match="has the splits train, test, and none is named"):
        load_source(tmp_path / "both")
    (tmp_path / "one/state.json").write_text("{")
    with pytest.raises(DataError, match=r"state\.json: cannot be read"):
        load_source(tmp_path / "one")


def test_saved_shards_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    lines(tmp_path / "secret.jsonl", rows(1))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/state.json").write_text(json.dumps({"_data_files": [{"filename": "../secret.jsonl"}]}))
    with pytest.raises(DataError, match="there is no such file"):
        load_source(tmp_path / "set")


def cached(home: Path) -> Path:
    """A data set as the hub's own cache holds it."""
    folder = home / "hub/datasets--some--data"
    snapshot = folder / "snapshots" / COMMIT
    lines(folder / "blobs/abc", rows(3))
    (snapshot / "data").mkdir(parents=True)
    (snapshot / "data/train.jsonl").symlink_to("../../../blobs/abc")
    return snapshot


FIND = """
import sys
from aftertune.data import load_source
from aftertune.data.hub import find_hub_data
print(len(load_source(find_hub_data("some/data", sys.argv[1], fetch=sys.argv[2] == "fetch"), split="train").rows))
"""


@pytest.mark.parametrize("fetch", ["fetch", "no"])
def test_a_hub_data_set_is_found_in_the_cache_at_its_commit_only(tmp_path: Path, fetch: str) -> None:
    pytest.importorskip("huggingface_hub")
    cached(tmp_path)
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    env.pop("HF_HUB_CACHE", None)
    for commit, said in ((COMMIT, "3"), ("f" * 40, "NoData: data set some/data at revision ffff")):
        done = subprocess.run(
            [sys.executable, "-c", FIND, commit, fetch], capture_output=True, text=True, env=env, cwd=tmp_path
        )
        assert said in (done.stdout if said == "3" else done.stderr), done.stderr


def test_a_hub_data_set_may_be_named_where_a_path_is(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    cached(tmp_path)
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    env.pop("HF_HUB_CACHE", None)
    load = "import sys; from aftertune import data; print(len(data.load(sys.argv[1]).rows))"
    done = subprocess.run([sys.executable, "-c", load, f"some/data@{COMMIT}"], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "3", done.stderr


def test_a_hub_data_set_that_is_not_here_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(NoData, match="is not in the local cache") as caught:
        find_hub_data("some/data-that-nobody-has", COMMIT, fetch=False)
    assert caught.value.exit_code == 5
    assert f"hf download --repo-type dataset some/data-that-nobody-has --revision {COMMIT}" in caught.value.fix
