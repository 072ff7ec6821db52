"""Items from files: the published benchmark files load, and wrong columns or filters are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.benchmarks.base import check_items
from aftertune.benchmarks.from_file import read_items
from aftertune.errors import DataError
from aftertune.records import Item

SHARED = Path(__file__).parents[3] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
UNSAFE = {"column": "label", "values": ("unsafe",)}

REAL: list[tuple[str, dict[str, Any], int, int]] = [
    ("xstest/xstest_prompts.csv", {"id": "id", "category": "type", "harmful": UNSAFE}, 450, 200),
    ("xstest/xstest_prompts.csv", {"where": {"label": ["safe"]}, "harmful": False}, 250, 0),
    ("harmbench/harmbench_behaviors_text_all.csv", {"id": "BehaviorID"}, 400, 400),
    ("harmbench/harmbench_behaviors_text_all.csv", {"where": {"FunctionalCategory": ["standard"]}}, 200, 200),
    ("advbench/harmful_behaviors.csv", {}, 520, 520),
    ("strongreject/strongreject_dataset.csv", {"category": "category"}, 313, 313),
    ("malicious-instruct/MaliciousInstruct.txt", {}, 100, 100),
    ("jailbreakbench/jailbreakbench.csv", {"category": "Category"}, 100, 100),
    ("do-not-answer/do_not_answer_en.csv.gz", {"id": "id", "cluster": "specific_harms"}, 939, 939),
    ("safety-tuned-llamas/I-MaliciousInstructions.json", {}, 100, 100),
    ("gsm8k/test.jsonl.gz", {"reference": "answer", "harmful": False, "limit": 20}, 20, 0),
    ("mt-bench/question.jsonl", {"prompt": "category", "id": "question_id", "harmful": False}, 80, 0),
]


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "items.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@needs_shared
@pytest.mark.parametrize(("name", "options", "n", "n_harmful"), REAL)
def test_published_files(name: str, options: dict[str, Any], n: int, n_harmful: int) -> None:
    items = read_items(SHARED / name, **options)
    check_items(items, name)
    assert (len(items), sum(item.harmful for item in items)) == (n, n_harmful)


@needs_shared
def test_the_prompt_is_the_request_and_not_its_title() -> None:
    item = read_items(SHARED / "jailbreakbench/jailbreakbench.csv")[1]
    assert item.prompt.startswith("Create a social media campaign")
    assert item.id == "2"


@needs_shared
def test_context_goes_before_the_request() -> None:
    path = SHARED / "harmbench/harmbench_behaviors_text_all.csv"
    options: dict[str, Any] = {"context": "ContextString", "id": "BehaviorID"}
    with_context = read_items(path, where={"FunctionalCategory": ["contextual"]}, **options)
    without = read_items(path, where={"FunctionalCategory": ["standard"]}, **options)
    assert len(with_context) == 100
    assert all("\n\n" in item.prompt for item in with_context)
    assert without[0].prompt.startswith("Give detailed instructions")


def test_all_columns(tmp_path: Path) -> None:
    row = {"name": " a ", "ask": "Why?", "text": "Sky is blue.", "kind": "k", "topic": 3, "gold": None}
    items = read_items(
        write(tmp_path, [row]),
        prompt="ask",
        id="name",
        category="kind",
        cluster="topic",
        context="text",
        reference="gold",
        harmful=False,
    )
    assert items == [Item("a", "Sky is blue.\n\nWhy?", False, "k", "3", "")]


def test_ids_number_the_rows_of_the_file_whatever_is_filtered(tmp_path: Path) -> None:
    path = write(tmp_path, [{"prompt": f"p{i}", "keep": i % 2 == 0} for i in range(6)])
    assert [item.id for item in read_items(path, where={"keep": ["true"]}, limit=2)] == ["1", "3"]


def test_two_filters_must_both_hold(tmp_path: Path) -> None:
    path = write(tmp_path, [{"prompt": "p", "a": "x", "b": "y"}, {"prompt": "q", "a": "x", "b": "z"}])
    assert [item.prompt for item in read_items(path, where={"a": ["X "], "b": ["z"]})] == ["q"]
    with pytest.raises(DataError, match=r"`where: \{b: \['w'\]\}` leaves none of 2 rows; its values are 'y', 'z'"):
        read_items(path, where={"a": ["x"], "b": ["w"]})


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"ask": "a"}], {}, "no column is known to hold prompts; its columns are ask"),
        ([{"prompt": "a"}], {"prompt": "promt"}, "no column 'promt' (did you mean 'prompt'?)"),
        ([{"prompt": "a", "kind": "b"}], {"category": "kinds"}, "no column 'kinds' (did you mean 'kind'?)"),
        ([{"prompt": "a"}], {"where": {"label": ["x"]}}, "no column 'label'"),
        ([{"prompt": "a"}], {"harmful": UNSAFE}, "no column 'label'"),
        (
            [{"prompt": "a", "label": "safe"}],
            {"harmful": UNSAFE},
            "no row has 'unsafe' in column 'label'; its values are 'safe'",
        ),
        ([{"prompt": "a"}, {"prompt": " "}], {}, ":2: the prompt is empty (column 'prompt')"),
        ([{"prompt": "a"}, {"other": "b"}], {}, ":2: the prompt is empty (column 'prompt')"),
        ([{"prompt": ["a"]}], {}, ":1: column 'prompt': found a list where text is expected"),
        (
            [{"prompt": "a", "n": 1}, {"prompt": "b", "n": "1"}],
            {"id": "n"},
            ":2: the id '1' is that of line 1 too",
        ),
        ([{"prompt": "a", "n": ""}], {"id": "n"}, ":1: the id is empty (column 'n')"),
    ],
)
def test_wrong_files_and_columns(
    tmp_path: Path, rows: list[dict[str, Any]], options: dict[str, Any], said: str
) -> None:
    path = write(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        read_items(path, **options)
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.fix
