"""What every source layout promises: rows survive writing and reading, records survive both, each is told apart."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data import detect, load_source
from aftertune.data.sources.base import Layout
from aftertune.errors import DataError
from aftertune.files import Record, read_records
from aftertune.records import Row, Turn
from aftertune.registry import load, names

NAMES = names("layout")
MANY_TURNS = {"alpaca", "messages", "oasst_tree", "preference", "sharegpt"}
NO_SYSTEM = {"oasst_tree"}
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
EXCHANGES = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3)
# One file of the public data for each layout, and more where a layout has variants.
FILES = {
    "alpaca": ["dolly/dolly_3k.json.gz", "alpaca/alpaca_sample.json.gz"],
    "dolly": ["dolly/databricks-dolly-15k-safety-only.jsonl.gz", "selected-benign/grad_dolly_top100.json"],
    "gsm8k": ["gsm8k/test.jsonl.gz"],
    "oasst_tree": ["oasst-trees/en_100_tree.jsonl.gz"],
    "preference": ["hh-rlhf/harmless-base-test.sample.jsonl.gz", "llamafactory-demo/dpo_en_demo.json.gz"],
    "prompt_completion": [
        "t0-samples/sciq_Direct_Question.jsonl",
        "t0-samples/paws_labeled_final_paraphrase_task.jsonl",
    ],
    "pubmedqa": ["pubmedqa/ori_pqal.json.gz"],
    "self_instruct": ["self-instruct/seed_tasks.jsonl", "self-instruct/user_oriented_instructions.jsonl"],
    "sharegpt": ["identity/dummy_conversation.json"],
}
# Records with what public files have beside the text: other columns, odd types, marks, empty and null values.
RECORDS: list[tuple[str, dict[str, Any]]] = [
    ("alpaca", {"id": 3, "output": "b", "input": None, "instruction": "a", "score": 1.50}),
    ("alpaca", {"instruction": 5, "input": " ", "output": True, "system": "", "history": []}),
    ("alpaca", {"instruction": "a", "input": "c", "output": "b", "system": "s", "history": [["q", 7]]}),
    ("dolly", {"instruction": "a", "context": "c\n\nd", "response": "b", "category": "x"}),
    ("gsm8k", {"answer": "<<1+1=2>>2\n#### 2", "level": 1, "question": "q"}),
    ("prompt_completion", {"prompt": "a", "completion": " b<|endoftext|> \n", "n": None}),
    ("prompt_completion", {"prompt": "a", "completion": "b"}),
    ("pubmedqa", {"QUESTION": "q", "CONTEXTS": ["c", "d"], "LABELS": ["x"], "LONG_ANSWER": "a", "YEAR": None}),
    ("pubmedqa", {"QUESTION": "q", "CONTEXTS": [], "LONG_ANSWER": "a"}),
    ("self_instruct", {"id": "t", "instruction": "i", "instances": [{"output": "o", "input": "x", "k": 1}], "n": 2}),
    ("self_instruct", {"instruction": "i", "instances": [{"output": "o"}]}),
    ("messages", {"messages": [{"role": "user", "content": "a", "w": 0}, {"role": "model", "content": "b"}], "s": {}}),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
                               {"role": "assistant", "content": "b"}]}),
    ("messages", {"conversations": [{"role": "developer", "content": "s"}, {"role": "user", "content": "a"},
                                    {"role": "assistant", "content": "b"}]}),
    ("sharegpt", {"conversations": [{"from": "user", "value": "a"}, {"from": "bard", "value": "b", "model": "x"}]}),
    ("sharegpt", {"system": "s", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}),
    ("sharegpt", {"system": "", "conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "a"},
                                                  {"from": "gpt", "value": "b"}]}),
    ("oasst_tree", {"message_tree_id": "m", "prompt": {"text": "a", "role": "prompter", "replies": [
        {"text": "worse", "role": "assistant", "rank": 1, "replies": []},
        {"text": "b", "role": "assistant", "rank": 0, "lang": "en", "replies": []}]}}),
    ("preference", {"prompt": "a", "chosen": "b", "rejected": "c", "margin": 0.5}),
    ("preference", {"chosen": "\n\nHuman: a\n\nAssistant:b ", "rejected": "\n\nHuman: a\n\nAssistant: c"}),
    ("preference", {"system": "s", "conversations": [{"from": "human", "value": "a"}],
                    "chosen": {"from": "gpt", "value": "b", "id": 1}, "rejected": {"from": "gpt", "value": "c"}}),
    ("preference", {"prompt": "a", "rejected": [{"role": "user", "content": "a"}],
                    "chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
    ("preference", {"prompt": [{"role": "user", "content": "a"}], "rejected": [],
                    "chosen": [{"role": "assistant", "content": "b"}]}),
    ("preference", {"prompt": "a", "chosen": [{"role": "assistant", "content": "b"}], "rejected": []}),
]  # fmt: skip


def row_of(exchanges: list[tuple[str, str]], system: str = "") -> Row:
    head = [Turn("system", system)] if system else []
    said = [turn for asked, answer in exchanges for turn in (Turn("user", asked), Turn("assistant", answer))]
    return Row("1", (*head, *said))


def changed(turns: tuple[Turn, ...], role: str, before: str = "", after: str = "") -> Row:
    """The row with its last turn of a role changed."""
    place = max(place for place, turn in enumerate(turns) if turn.role == role)
    new = Turn(turns[place].role, before + turns[place].content + after)
    return Row("1", (*turns[:place], new, *turns[place + 1 :]))


def parts(layout: Layout, fields: Any) -> list[Any]:
    return list(layout.split(fields)) if layout.split else [fields]


def keys_that_differ(one: Any, two: Any) -> set[str]:
    return {key for key in {*one, *two} if one.get(key) != two.get(key)}


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_says_what_it_is(name: str) -> None:
    layout: Layout = load("layout", name)
    assert layout.version
    assert layout.about.endswith(".")
    fields = layout.write(row_of([("a", "b")]))
    assert set(layout.columns) <= set(fields)
    assert layout.matches(fields)
    assert (layout.split is None) == (layout.join is None)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layout_writes_is_recognised_as_that_layout_only(name: str) -> None:
    layout: Layout = load("layout", name)
    assert detect([Record(layout.write(row_of([("a", "b")])), "row 1")]) == name


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(exchanges=EXCHANGES, system=TEXT)
def test_rows_survive_writing_and_reading(name: str, exchanges: list[tuple[str, str]], system: str) -> None:
    many = name in MANY_TURNS
    row = row_of(exchanges if many else exchanges[:1], system if many and name not in NO_SYSTEM else "")
    layout: Layout = load("layout", name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text(json.dumps(layout.write(row)), encoding="utf-8")
        source = load_source(path)
    assert source.layout == name
    assert [row.turns for row in source.rows] == [row.turns]


@pytest.mark.parametrize("name", sorted(set(NAMES) - MANY_TURNS))
def test_what_a_layout_cannot_hold_is_refused(name: str) -> None:
    for row in (row_of([("a", "b"), ("c", "d")]), row_of([("a", "b")], "s")):
        with pytest.raises(DataError, match=f"row 1: the {name} layout holds one question") as caught:
            load("layout", name).write(row)
        assert caught.value.fix == "write it in the `messages` layout"


def test_a_tree_has_no_place_for_a_system_turn_or_another_reply() -> None:
    layout: Layout = load("layout", "oasst_tree")
    record = next(record for name, record in RECORDS if name == "oasst_tree")
    for row in (row_of([("a", "b")], "s"), row_of([("a", "b"), ("c", "d")])):
        with pytest.raises(DataError, match="row 1: the oasst_tree layout holds a fixed number of messages"):
            layout.write(row, record)


@pytest.mark.parametrize("name", NAMES)
def test_other_columns_do_not_match(name: str) -> None:
    assert not load("layout", name).matches({"foo": "a", "chosen": "b", "rejected": "c"})


def test_every_layout_is_tried_on_records() -> None:
    assert {name for name, _ in RECORDS} == set(NAMES)


@pytest.mark.parametrize(("name", "record"), RECORDS)
def test_a_record_is_recognised_and_comes_back_as_it_was(name: str, record: dict[str, Any]) -> None:
    layout: Layout = load("layout", name)
    assert detect([Record(record, "row 1")]) == name
    text = json.dumps(record)
    made = layout.write(Row("1", layout.read(record)), record)
    assert json.dumps(made) == text == json.dumps(record), "with order and types, and the original untouched"


@pytest.mark.parametrize(("name", "record"), RECORDS)
@settings(max_examples=20, deadline=None)
@given(before=TEXT, after=TEXT)
def test_a_changed_row_is_read_back_from_its_record(name: str, record: dict[str, Any], before: str, after: str) -> None:
    layout: Layout = load("layout", name)
    turns = layout.read(record)
    for role in ("user", "assistant"):
        for row in (changed(turns, role, before), changed(turns, role, "", after), changed(turns, role, before, after)):
            made = layout.write(row, record)
            assert layout.read(made) == row.turns
            assert list(made) == list(record)
            assert layout.read(layout.write(Row("1", turns), made)) == turns


@pytest.mark.parametrize(
    ("name", "record", "row", "columns"),
    [
        (name, record, changed(load("layout", name).read(record), role, "Now: "), columns)
        for name, record, role, columns in [
            ("alpaca", {"instruction": "a", "input": "c", "output": "b"}, "assistant", {"output"}),
            ("alpaca", {"instruction": "a", "input": "c", "output": "b"}, "user", {"instruction"}),
            ("dolly", {"instruction": "a", "context": "c", "response": "b"}, "user", {"instruction"}),
            ("pubmedqa", {"QUESTION": "a", "CONTEXTS": ["c", "d"], "LONG_ANSWER": "b"}, "user", {"QUESTION"}),
            ("self_instruct", RECORDS[9][1], "user", {"instruction"}),
            ("sharegpt", RECORDS[15][1], "assistant", {"conversations"}),
            ("sharegpt", RECORDS[16][1], "assistant", {"conversations"}),
            ("preference", RECORDS[20][1], "assistant", {"chosen"}),
            ("preference", RECORDS[20][1], "user", {"conversations"}),
            ("preference", RECORDS[21][1], "user", {"chosen", "prompt"}),
            ("preference", RECORDS[22][1], "user", {"prompt"}),
            ("preference", RECORDS[23][1], "user", {"prompt"}),
        ]
    ],
)  # fmt: skip
def test_only_the_columns_whose_text_changed_are_written(
    name: str, record: dict[str, Any], row: Row, columns: set[str]
) -> None:
    made = load("layout", name).write(row, record)
    assert keys_that_differ(record, made) == columns


def test_what_follows_a_prompt_with_a_context_goes_into_the_context() -> None:
    record = {"instruction": "Sum up.", "input": "Long.", "output": "b"}
    row = changed(load("layout", "alpaca").read(record), "user", "", "\n\nBe brief.")
    assert load("layout", "alpaca").write(row, record) == {**record, "input": "Long.\n\nBe brief."}
    other = row_of([("Something else", "b")])
    assert load("layout", "alpaca").write(other, record) == {**record, "instruction": "Something else", "input": ""}


def test_an_end_mark_stays_and_is_not_read() -> None:
    layout: Layout = load("layout", "prompt_completion")
    record = {"prompt": "a", "completion": " b<|endoftext|>\n"}
    assert layout.write(row_of([("a", " c")]), record)["completion"] == " c<|endoftext|>\n"
    ends_in_one = row_of([("a", "c<|endoftext|>")])
    assert layout.read(layout.write(ends_in_one)) == ends_in_one.turns


@pytest.mark.parametrize("name", sorted({name for name, _ in RECORDS} & (MANY_TURNS - NO_SYSTEM)))
def test_a_system_turn_can_be_added_and_taken_out(name: str) -> None:
    layout: Layout = load("layout", name)
    for record in [record for which, record in RECORDS if which == name]:
        turns = layout.read(record)
        bare = Row("1", tuple(turn for turn in turns if turn.role != "system"))
        led = Row("1", (Turn("system", "Be kind."), *bare.turns))
        for row in (bare, led):
            if row is led and name == "preference" and isinstance(record["chosen"], str) and "system" not in record:
                with pytest.raises(DataError, match="preference layout holds"):
                    layout.write(row, record)
                continue
            if row is led and isinstance(record.get("prompt"), str) and record["chosen"][0]["role"] == "assistant":
                with pytest.raises(DataError, match="preference layout holds one question in `prompt`"):
                    layout.write(row, record)
                continue
            made = layout.write(row, record)
            assert layout.read(made) == row.turns
            assert layout.read(layout.write(Row("1", turns), made)) == turns


def test_a_turn_that_would_cut_a_dialogue_in_two_is_refused() -> None:
    record = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": ""}
    with pytest.raises(DataError, match="row 1: a turn holds a line that opens with `Human:`"):
        load("layout", "preference").write(row_of([("a", "b\n\nHuman: c")]), record)


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in FILES.items() for file in files])
def test_real_records_survive(name: str, file: str, shared_data: Path) -> None:
    layout: Layout = load("layout", name)
    for record in read_records(shared_data / file):
        for fields in parts(layout, record.fields):
            turns = layout.read(fields)
            assert layout.write(Row("1", turns), fields) == fields
            if turns and turns[-1].content.strip():
                for role in ("user", "assistant"):
                    row = changed(turns, role, "Now then. ", " That is all.")
                    assert layout.read(layout.write(row, fields)) == row.turns
        if layout.join:
            assert layout.join(parts(layout, record.fields)) == [record.fields]


def test_instances_become_rows_and_a_record_again() -> None:
    layout: Layout = load("layout", "self_instruct")
    assert layout.split is not None
    assert layout.join is not None
    one, two = {"input": "", "output": "x"}, {"input": "c", "output": "y"}
    record = {"id": "t", "instruction": "i", "instances": [one, two], "n": 1}
    split = layout.split(record)
    assert [layout.read(part)[-1].content for part in split] == ["x", "y"]
    assert layout.join(split) == [record]
    assert layout.join(split[1:]) == [{**record, "instances": [two]}]
    apart = [{**split[0], "instruction": "j"}, split[1]]
    assert layout.join(apart) == apart, "one record has one instruction"
    assert layout.split({"instruction": "i", "instances": []}) == [{"instruction": "i", "instances": []}]


def test_the_best_ranked_path_is_read_with_ties_by_order() -> None:
    def node(text: str, role: str, *replies: Any, **more: Any) -> dict[str, Any]:
        return {"text": text, "role": role, "replies": list(replies), **more}

    deep = node("first of two", "prompter", node("last", "assistant"), node("other", "assistant"))
    best = node("best", "assistant", deep, node("second of two", "prompter"), rank=0)
    tree = {"prompt": node("q", "prompter", node("no rank", "assistant"), node("worse", "assistant", rank=2), best)}
    layout: Layout = load("layout", "oasst_tree")
    assert [turn.content for turn in layout.read(tree)] == ["q", "best", "first of two", "last"]
    made = layout.write(changed(layout.read(tree), "assistant", "The "), tree)
    assert made["prompt"]["replies"][:2] == tree["prompt"]["replies"][:2]
    assert made["prompt"]["replies"][2]["replies"][0]["replies"][0]["text"] == "The last"


@pytest.mark.parametrize(
    ("name", "record", "said"),
    [
        ("oasst_tree", {"prompt": {"text": "a", "role": "tool", "replies": []}}, "has the role 'tool'"),
        ("oasst_tree", {"prompt": {"text": "a", "role": "prompter", "replies": ["x"]}}, "no list of messages"),
        ("oasst_tree", {"prompt": {"text": ["a"], "role": "prompter", "replies": []}}, "found a list where text"),
        ("self_instruct", {"instruction": "a", "instances": ["x"]}, "want a list of {input, output}"),
        ("pubmedqa", {"QUESTION": "q", "CONTEXTS": "c", "LONG_ANSWER": "a"}, "want a list of texts"),
        ("pubmedqa", {"QUESTION": "q", "CONTEXTS": [{}], "LONG_ANSWER": "a"}, "found an object where text"),
        ("alpaca", {"instruction": "a", "output": "b", "history": [[{}, "x"]]}, "column 'history': found an object"),
        ("messages", {"messages": [{"role": ["user"], "content": "a"}]}, "has the role ['user']"),
        ("sharegpt", {"conversations": [{"from": None, "value": "a"}]}, "is from None"),
        ("sharegpt", {"conversations": [{"from": "gpt", "value": {"a": 1}}]}, "'value': found an object"),
        ("preference", {"chosen": {"from": "gpt", "value": "a"}, "rejected": 1, "conversations": [1]}, "want a list"),
    ],
)  # fmt: skip
def test_values_of_a_wrong_kind_are_refused(name: str, record: dict[str, Any], said: str) -> None:
    layout: Layout = load("layout", name)
    with pytest.raises(DataError) as caught:
        layout.read(parts(layout, record)[0])
    assert said in caught.value.message
    assert caught.value.fix
