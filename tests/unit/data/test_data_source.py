"""Sources: layouts are detected, real files load with their documented counts, and problems have places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.data import detect, load_source, subset
from aftertune.errors import DataError, UnknownName
from aftertune.files import Record, source_digest
from aftertune.records import Row, Turn
from tests_support.instruction_files import REAL

SHARED = Path(__file__).parents[3] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")


def write(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def alpaca(n: int, **changes: Any) -> list[dict[str, Any]]:
    rows = [{"instruction": f"Ask {i}", "input": "", "output": f"Say {i}"} for i in range(n)]
    for place, change in changes.items():
        rows[int(place[1:])].update(change)
    return rows


@needs_shared
@pytest.mark.parametrize(("name", "layout", "n_read", "n_empty", "n_duplicate"), REAL)
def test_real_files_load_with_their_documented_counts(
    name: str, layout: str, n_read: int, n_empty: int, n_duplicate: int | None
) -> None:
    source = load_source(SHARED / name)
    assert (source.layout, source.n_read, source.n_empty) == (layout, n_read, n_empty)
    assert len(source.rows) == n_read - n_empty == len({row.id for row in source.rows})
    assert n_duplicate is None or source.n_duplicate == n_duplicate
    assert source.sha256 == source_digest(SHARED / name)
    assert all(row.turns[-1].role == "assistant" and row.answer.strip() and row.prompt for row in source.rows)
    assert not any("<|endoftext|>" in row.answer for row in source.rows)


@needs_shared
def test_calculator_marks_and_final_answers_stay() -> None:
    answer = load_source(SHARED / "gsm8k/train.jsonl.gz").rows[0].answer
    assert "<<48/2=24>>24 clips" in answer
    assert answer.endswith("\n#### 72")


@needs_shared
def test_columns_override_the_layout() -> None:
    path = SHARED / "pubmedqa/ori_pqal.json.gz"
    source = load_source(path, columns={"prompt": "QUESTION", "answer": "LONG_ANSWER"})
    assert (source.layout, len(source.rows), source.rows[0].id) == ("columns", 1000, "21645374")
    assert source.rows[0].prompt.startswith("Do mitochondria play a role")
    with_contexts = load_source(path)
    assert with_contexts.layout == "pubmedqa"
    assert with_contexts.rows[0].prompt.startswith(source.rows[0].prompt + "\n\nProgrammed cell death")


@needs_shared
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rm-bench/chat_filtered.json.gz", "a test of reward models (as RM-Bench)"),
        ("rm-bench/safety-response_filtered.json.gz", "a test of reward models (as RM-Bench)"),
        ("pandalm/testset-v1.json.gz", "a comparison of two models' answers (as PandaLM)"),
        ("mt-bench/question.jsonl", "fit no known layout"),
        ("safety-tuned-llamas/I-Alpaca.json", "fit no known layout"),
    ],
)
def test_files_that_are_no_instruction_data_are_refused(name: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        load_source(SHARED / name)
    assert said in caught.value.message
    assert "data.source.columns" in caught.value.fix


def test_input_and_context_follow_the_instruction(tmp_path: Path) -> None:
    rows = [{"instruction": "Sum", "context": "Long text", "response": "Short", "category": "x"}]
    assert load_source(write(tmp_path, rows)).rows[0].turns == (
        Turn("user", "Sum\n\nLong text"),
        Turn("assistant", "Short"),
    )


def test_alpaca_with_system_and_history(tmp_path: Path) -> None:
    rows = [{"instruction": "c", "output": "d", "system": "s", "history": [["a", "b"]]}]
    turns = load_source(write(tmp_path, rows)).rows[0].turns
    assert [(turn.role, turn.content) for turn in turns] == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
        ("assistant", "d"),
    ]


def test_conversations_run_from_a_prompt_to_an_answer(tmp_path: Path) -> None:
    said = [("gpt", "tail"), ("human", "a"), ("gpt", "b"), ("human", "thanks")]
    rows = [
        {"id": "x", "conversations": [{"from": who, "value": what} for who, what in said]},
        {"id": "y", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
    ]
    source = load_source(write(tmp_path, rows))
    assert source.rows[0] == Row("x", (Turn("user", "a"), Turn("assistant", "b")))
    assert any(note.startswith("1 row with turns before") for note in source.notes)
    assert source.n_duplicate == 1


def test_messages_with_system_and_text_parts(tmp_path: Path) -> None:
    rows = [
        {
            "messages": [
                {"role": "developer", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": "b"},
            ]
        }
    ]
    assert load_source(write(tmp_path, rows)).rows == (
        Row("1", (Turn("system", "s"), Turn("user", "a"), Turn("assistant", "b"))),
    )


@pytest.mark.parametrize("empty", ["", " \n", None, float("nan")])
def test_few_rows_without_an_answer_are_left_out_and_said(tmp_path: Path, empty: Any) -> None:
    path = write(tmp_path, alpaca(100, _4={"output": empty}))
    source = load_source(path)
    assert (source.n_read, source.n_empty, len(source.rows)) == (100, 1, 99)
    assert source.notes == ("1 row without an answer left out (line 5)",)
    assert [row.id for row in source.rows[3:5]] == ["4", "6"]


def test_a_row_without_the_key_has_no_answer(tmp_path: Path) -> None:
    rows = alpaca(200)
    del rows[0]["output"]
    assert load_source(write(tmp_path, rows)).n_empty == 1


def test_many_rows_without_an_answer_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, alpaca(20, _4={"output": ""}, _9={"output": ""}))
    with pytest.raises(DataError, match=r"2 of 20 rows have no answer \(line 5, line 10\)") as caught:
        load_source(path)
    assert "data.source.allow_empty: 0.1" in caught.value.fix
    assert load_source(path, allow_empty=0.1).n_empty == 2


def test_no_answers_at_all_are_an_error_whatever_is_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, [{"instruction": "a", "output": ""}] * 3)
    with pytest.raises(DataError, match="none of its 3 rows has an answer"):
        load_source(path, allow_empty=1.0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (alpaca(3, _1={"instruction": " "}), ":2: there is an answer and no prompt"),
        (
            alpaca(3, _1={"instruction": ["a"]}),
            ":2: column 'instruction': found a list where text is expected",
        ),
        (alpaca(3, _0={"id": "x"}, _1={"id": "y"}, _2={"id": "x"}), ":3: the id 'x' is that of line 1 too"),
        (
            [{"conversations": [{"from": "tool", "value": "x"}]}],
            ":1: column 'conversations': a turn is from 'tool'",
        ),
        (
            [{"messages": [{"role": "tool", "content": "x"}]}],
            ":1: column 'messages': a turn has the role 'tool'",
        ),
        (
            [{"messages": [{"role": "user", "content": "x"}]}, {"messages": "x"}],
            ":2: column 'messages': want a list",
        ),
        ([{"instruction": "a", "output": "b", "history": ["x"]}], ":1: column 'history': want a list of"),
        (
            [{"instruction": "a", "output": "b"}, {"question": "a", "answer": "b"}],
            ":2: mixed layouts: this row is in gsm8k, and those before it are in alpaca",
        ),
        ([{"foo": "a", "bar": "b"}], "the columns foo, bar fit no known layout"),
    ],
)
def test_bad_rows_have_a_place(tmp_path: Path, rows: list[Any], said: str) -> None:
    path = write(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        load_source(path)
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.fix


def test_a_named_layout_must_fit(tmp_path: Path) -> None:
    path = write(tmp_path, alpaca(3))
    assert load_source(path, layout="alpaca").layout == "alpaca"
    with pytest.raises(DataError, match="not in the dolly layout, which needs instruction, response"):
        load_source(path, layout="dolly")
    with pytest.raises(UnknownName, match="did you mean 'alpaca'"):
        load_source(path, layout="alpacca")


def test_named_columns(tmp_path: Path) -> None:
    path = write(tmp_path, [{"q": "a", "r": 5, "s": "be kind", "c": "text"}])
    source = load_source(path, columns={"prompt": "q", "answer": "r", "system": "s", "context": "c"})
    assert source.rows[0].turns == (
        Turn("system", "be kind"),
        Turn("user", "a\n\ntext"),
        Turn("assistant", "5"),
    )


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"prompt": "q"}, "does not say which column is the answer"),
        ({"prompt": "q", "answer": "rr"}, "there is no column 'rr'"),
        ({"promt": "q", "answer": "r"}, "no part 'promt' (did you mean 'prompt'?)"),
    ],
)
def test_wrong_columns(tmp_path: Path, columns: dict[str, str], said: str) -> None:
    path = write(tmp_path, [{"q": "a", "r": "b"}])
    with pytest.raises(DataError) as caught:
        load_source(path, columns=columns)
    assert said in caught.value.message


def test_numbers_do_for_ids_when_some_rows_have_none(tmp_path: Path) -> None:
    assert [row.id for row in load_source(write(tmp_path, alpaca(2, _0={"id": "x"}))).rows] == ["1", "2"]
    assert [row.id for row in load_source(write(tmp_path, alpaca(2, _0={"id": 7}, _1={"id": 0}))).rows] == [
        "7",
        "0",
    ]


def test_detect_looks_past_nulls() -> None:
    records = [
        Record({"messages": None}, "row 1"),
        Record({"messages": [{"role": "user", "content": ""}]}, "row 2"),
    ]
    assert detect(records) == "messages"


def test_subset_is_a_seeded_sample_in_source_order() -> None:
    rows = [Row(str(n), (Turn("user", "a"), Turn("assistant", "b"))) for n in range(50)]
    taken = subset(rows, 10, seed=3)
    ids = [int(row.id) for row in taken]
    assert taken == subset(rows, 10, seed=3) != subset(rows, 10, seed=4)
    assert ids == sorted(set(ids))
    assert len(ids) == 10
    assert subset(rows, 50, seed=3) == tuple(rows)
    with pytest.raises(DataError, match="51 rows asked for, and the source has 50"):
        subset(rows, 51, seed=3)
