"""Where a study's data come from: files, folders with splits, the hub; every mistake has its line and a fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.arms import SourceFile, resolve_source
from aftertune.errors import AftertuneError, DataError, NoData, SpecError
from aftertune.files import source_digest
from aftertune.spec import load_study

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STUDY = """\
study: tiny
initial_model: organism
data:
  source: {%s}
arms:
  as_is: {}
measure:
  benchmarks: [organism_harm]
  judges: [organism_judge]
"""


def put(path: Path, n: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"prompt": f"a{i}", "completion": "b"}) + "\n" for i in range(n)))
    return path


def source(folder: Path, text: str, cache: dict[str, Any] | None = None) -> SourceFile:
    path = folder / "study.yaml"
    path.write_text(STUDY % text)
    declared = load_study(path)
    with declared.at("data", "source"):
        return resolve_source(declared, declared.spec.data.source, {} if cache is None else cache)


def test_a_split_of_a_folder(tmp_path: Path) -> None:
    train, test = put(tmp_path / "set/train.jsonl", 3), put(tmp_path / "set/test.jsonl", 1)
    found = source(tmp_path, "path: set, split: train")
    assert (found.name, found.sha256) == ("set", source_digest(train))
    assert found.sha256 == source(tmp_path, "path: set/train.jsonl").sha256, "the same data, however named"
    assert source(tmp_path, "path: set, split: test").sha256 == source_digest(test)
    put(tmp_path / "set/train/more.jsonl", 2)
    (tmp_path / "set/train.jsonl").rename(tmp_path / "set/train/first.jsonl")
    cache: dict[str, Any] = {}
    several = source(tmp_path, "path: set, split: train", cache)
    assert several.sha256 not in (found.sha256, source_digest(tmp_path / "set/train/more.jsonl"))
    assert len(cache) == 2, "each file is hashed once"
    put(tmp_path / "set/train/more.jsonl", 4)
    assert source(tmp_path, "path: set, split: train", cache).sha256 != several.sha256


@pytest.mark.parametrize(
    ("text", "kind", "said", "fix"),
    [
        (
            "path: a.jsonl, hub: org/name",
            SpecError,
            r":4 data.source: give exactly one of `name`, `path` and `hub`",
            "",
        ),
        ("split: train", SpecError, r":4 data.source: give exactly one of .* \(found none\)", ""),
        ("pth: a.jsonl", SpecError, r":4 data.source.pth: unknown key 'pth' \(did you mean 'path'\?\)", ""),
        ("hub: org/name, revison: x", SpecError, r":4 .*unknown key 'revison' \(did you mean 'revision'\?\)", ""),
        ("path: a.jsonl, revision: x", SpecError, r":4 data.source: `revision` belongs to `hub`", ""),
        ("name: organism_howto, split: x", SpecError, r":4 data.source: a packaged data set has no splits", ""),
        ("hub: org/name", SpecError, r":4 data.source: org/name has no revision", "huggingface.co/datasets/org/name"),
        ("hub: org/name, revision: main", SpecError, r":4 .*the revision 'main', which is no commit", "40 hex digits"),
        ("name: org/name", SpecError, r":4 .*no packaged data set is called 'org/name'", "{hub: org/name, revision:"),
        ("path: nowhere", DataError, r":4 data.source: .*nowhere: there is no such file", "correct the path"),
        ("path: set", DataError, r":4 .*has the splits test, train, and none is named", "add `split: test`"),
        ("path: set, split: tran", DataError, r":4 .*no split 'tran' \(did you mean 'train'\?\)", "correct or remove"),
        ("path: set/train.jsonl, split: train", DataError, r":4 .*a file has no splits", "leave `split` out"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, text: str, kind: type[AftertuneError], said: str, fix: str) -> None:
    put(tmp_path / "set/train.jsonl", 3)
    put(tmp_path / "set/test.jsonl", 1)
    with pytest.raises(kind, match=r"study\.yaml" + said) as caught:
        source(tmp_path, text)
    assert fix in caught.value.fix


def test_a_hub_data_set_that_is_not_here_is_the_environments_trouble(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(NoData, match=r"study\.yaml:4 data\.source: data set org/nobody-has-this at revision") as caught:
        source(tmp_path, f"hub: org/nobody-has-this, revision: {COMMIT}, split: train")
    assert caught.value.exit_code == 5
