"""Data sets: loaded, changed and written back; what does not change keeps its bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aftertune import data
from aftertune.data import Dataset, load
from aftertune.errors import DataError, UnknownName
from aftertune.files import read_records
from aftertune.records import Row, Turn
from tests_support.instruction_files import REAL

ROWS = [
    {"instruction": "Ask ü", "input": "", "output": "One. Two.", "tag": 1},
    {"instruction": "Ask b", "input": "Long.", "output": "", "tag": None},
    {"instruction": "Ask c", "input": "Long.", "output": "Three. Four.", "tag": 3},
    {"instruction": "Ask d", "input": "", "output": "Five.", "tag": 4},
]


def text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def changed(rows: tuple[Row, ...], role: str = "assistant", n: int | None = None) -> list[Row]:
    """The rows with the last turn of a role changed; only the row at `n`, if that is given."""
    made = []
    for place, row in enumerate(rows):
        at = max(at for at, turn in enumerate(row.turns) if turn.role == role)
        new = Turn(row.turns[at].role, f"So: {row.turns[at].content}")
        keep = n is not None and place != n
        made.append(row if keep else Row(row.id, (*row.turns[:at], new, *row.turns[at + 1 :])))
    return made


def rewritten(dataset: Dataset, out: Path) -> bytes:
    dataset.write(out)
    return text(out)


@pytest.mark.parametrize("name", [name for name, *_ in REAL])
def test_real_files_come_back_to_the_byte(name: str, shared_data: Path, tmp_path: Path) -> None:
    dataset, out = load(shared_data / name), tmp_path / Path(name).name
    assert rewritten(dataset, out) == text(shared_data / name)
    assert not any(entry.text for entry in dataset.entries), "their style is regular: nothing had to be kept"


@pytest.mark.parametrize("name", [name for name, *_ in REAL])
def test_real_files_hold_changes(name: str, shared_data: Path, tmp_path: Path) -> None:
    dataset, out = load(shared_data / name), tmp_path / Path(name).name
    for role in ("assistant", "user"):
        rows = changed(dataset.rows, role)
        dataset.with_rows(rows).write(out)
        again = load(out)
        assert [row.turns for row in again.rows] == [row.turns for row in rows]
        assert [row.id for row in again.rows] == [row.id for row in rows]
        assert again.source.n_read == dataset.source.n_read
        back = again.with_rows(dataset.rows)
        assert [record.fields for record in back.records] == [record.fields for record in dataset.records]


STYLES = {
    "compact.jsonl": "\n".join(json.dumps(row, separators=(",", ":")) for row in ROWS),
    "usual.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS),
    "crlf.jsonl": "".join(json.dumps(row) + "\r\n" for row in ROWS),
    "lines.json": "".join(json.dumps(row) + "\n" for row in ROWS),
    "bom.jsonl": "\ufeff" + "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS),
    "line.json": json.dumps(ROWS),
    "two.json": json.dumps(ROWS, indent=2, ensure_ascii=False) + "\n",
    "tab.json": json.dumps(ROWS, indent="\t"),
    "crlf.json": json.dumps(ROWS, indent=4).replace("\n", "\r\n") + "\r\n",
    "rows.json": "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n",
    "spaced.json": "[" + ", ".join(json.dumps(row, separators=(",", ":")) for row in ROWS) + "]",
    "keyed.json": json.dumps({f"k{n}": row for n, row in enumerate(ROWS)}, indent=1),
    "keyed-id.json": json.dumps({f"k{n}": {**row, "id": n} for n, row in enumerate(ROWS)}),
    "inside.json": json.dumps({"data": ROWS}, indent=2),
    "lists.json": json.dumps({"none": [], **{key: [row[key] for row in ROWS] for key in ROWS[0]}}, indent=2),
    "array.json.gz": json.dumps(ROWS, indent=2),
}


@pytest.mark.parametrize("name", STYLES)
def test_the_style_of_a_json_file_stays(name: str, tmp_path: Path) -> None:
    raw = STYLES[name].encode()
    path = put(tmp_path, name, gzip.compress(raw) if name.endswith(".gz") else raw)
    dataset = load(path, allow_empty=0.5)
    assert rewritten(dataset, tmp_path / f"same-{name}") == raw
    assert not any(entry.text for entry in dataset.entries)
    after = rewritten(dataset.with_rows(changed(dataset.rows, n=1)), tmp_path / f"changed-{name}")
    assert after == raw.replace(b"Three. Four.", b"So: Three. Four.")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (
            "a.jsonl",
            '{"instruction":"a",  "output": "b\\/c", "x": 1.0e0}\n{"output": "d", "instruction": "\\u00e9é"}\n',
        ),
        ("a.json", '[{"instruction":"a",  "output": "b\\/c", "x": 1.0e0}, {"output": "d", "instruction": "\\u00e9é"}]'),
    ],
)
def test_an_odd_row_keeps_its_text_until_it_changes(name: str, raw: str, tmp_path: Path) -> None:
    dataset = load(put(tmp_path, name, raw))
    assert rewritten(dataset, tmp_path / f"b-{name}").decode() == raw
    one = rewritten(dataset.with_rows(changed(dataset.rows, n=1)), tmp_path / f"c-{name}").decode()
    assert '{"instruction":"a",  "output": "b\\/c", "x": 1.0e0}' in one
    assert '"So: d"' in one


@pytest.mark.parametrize(
    "raw",
    [
        "id,prompt,completion\n1,\"a, b\",c\n2,d,\"e\n\"\"f\"\"\"\n",
        '"id","prompt","completion"\r\n"1","a","c"\r\n"2","d","e"',
        '\ufeffid,prompt,completion\r\n1,a,"c"\r\n2,d,e\r\n',
        ",prompt,completion\n1,a,c\n2,d,e\n",
        "id,prompt,completion\r\n1,a,c\n2,d,e\r\n3,\"f\",g",
    ],
)  # fmt: skip
def test_the_style_of_a_csv_file_stays(raw: str, tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", raw)
    dataset = load(path)
    assert rewritten(dataset, tmp_path / "b.csv").decode() == raw
    after = rewritten(dataset.with_rows(changed(dataset.rows, "user")), tmp_path / "c.csv").decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(after, newline=""))][1:] == [
        f"So: {row.prompt}" for row in dataset.rows
    ]
    assert after.count("\r\n") >= raw.count("\r\n")


def test_tabs_stay_tabs(tmp_path: Path) -> None:
    dataset = load(put(tmp_path, "a.tsv", "question\tanswer\na, b\tc\n"))
    assert rewritten(dataset.with_rows(changed(dataset.rows)), tmp_path / "b.tsv") == b"question\tanswer\na, b\tSo: c\n"


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_the_types_of_a_parquet_file_stay(name: str, tmp_path: Path) -> None:
    schema = {"id": pl.Int16, "prompt": pl.String, "completion": pl.String, "n": pl.List(pl.Float32)}
    frame = pl.DataFrame({"id": [1, 2], "prompt": ["a", "b"], "completion": ["c", "d"], "n": [[0.5], None]}, schema)
    frame.write_parquet(tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    if name.endswith(".gz"):
        path = put(tmp_path, name, gzip.compress(path.read_bytes()))
    dataset = load(path)
    dataset.with_rows(changed(dataset.rows, n=1)).write(tmp_path / f"b-{name}")
    found = pl.read_parquet(io.BytesIO(text(tmp_path / f"b-{name}")))
    assert found.schema == frame.schema
    assert found["completion"].to_list() == ["c", "So: d"]
    assert found.drop("completion").equals(frame.drop("completion"))


def test_rows_are_added_and_taken_out_and_unanswered_ones_stay(tmp_path: Path) -> None:
    dataset = load(put(tmp_path, "a.json", json.dumps(ROWS, indent=2)), allow_empty=0.5)
    assert [row.id for row in dataset.rows] == ["1", "3", "4"]
    new = Row("mix/1", (Turn("user", "New"), Turn("assistant", "Row")))
    made = dataset.with_rows([new, *changed(dataset.rows[1:], n=0)])
    assert [dict(record.fields) for record in made.records] == [
        ROWS[1],
        {**ROWS[2], "output": "So: Three. Four."},
        ROWS[3],
        {"instruction": "New", "input": "", "output": "Row"},
    ]
    assert [row.id for row in made.rows] == ["3", "4", "mix/1"]
    made.write(tmp_path / "b.json")
    again = load(tmp_path / "b.json", allow_empty=0.5)
    assert [row.turns for row in again.rows] == [row.turns for row in made.rows]
    twice = made.with_rows([*made.rows, Row("mix/2", new.turns)])
    assert [row.id for row in twice.rows] == ["3", "4", "mix/1", "mix/2"]
    assert twice.source.n_duplicate == 1
    with pytest.raises(DataError, match="two rows have the same id"):
        dataset.with_rows([new, new])


def test_a_row_without_an_answer_can_get_one(tmp_path: Path) -> None:
    dataset = load(put(tmp_path, "a.json", json.dumps(ROWS)), allow_empty=0.5)
    made = dataset.with_rows([*dataset.rows, Row("2", (Turn("user", "Ask b\n\nLong."), Turn("assistant", "Now.")))])
    assert made.records[1].fields == {**ROWS[1], "output": "Now."}
    assert [row.id for row in made.rows] == ["1", "2", "3", "4"]


ADDED = Row("new", (Turn("user", "q"), Turn("assistant", "a")))


@pytest.mark.parametrize(
    ("name", "raw", "record"),
    [
        ("a.jsonl", '{"id": "x", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}',
         {"id": "new", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}),
        ("a.jsonl", '{"conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
         {"conversations": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}),
        ("a.jsonl", '{"chosen": "\\n\\nHuman: a\\n\\nAssistant: b", "rejected": "c"}',
         {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": ""}),
        ("a.jsonl", '{"rejected": "c", "prompt": "a", "chosen": "b"}', {"rejected": "", "prompt": "q", "chosen": "a"}),
        ("a.json", '{"k": {"QUESTION": "a", "CONTEXTS": ["c"], "LONG_ANSWER": "b"}}',
         {"id": "new", "QUESTION": "q", "CONTEXTS": [], "LONG_ANSWER": "a"}),
        ("a.csv", "category,response,context,instruction\nx,b,,a\n",
         {"category": "", "response": "a", "context": "", "instruction": "q"}),
    ],
)  # fmt: skip
def test_a_new_row_gets_a_record_like_the_others(name: str, raw: str, record: Any, tmp_path: Path) -> None:
    dataset = load(put(tmp_path, name, raw))
    made = dataset.with_rows([*dataset.rows, ADDED])
    assert made.records[-1].fields == record
    made.write(tmp_path / f"b-{name}")
    assert load(tmp_path / f"b-{name}").rows[-1].turns == ADDED.turns


def test_instances_of_one_record_go_apart_only_where_they_must(tmp_path: Path) -> None:
    instances = [{"input": "", "output": "x"}, {"input": "c", "output": ""}, {"input": "d", "output": "z"}]
    rows = [{"id": "t", "instruction": "i", "instances": instances}, {"id": "u", "instruction": "j", "instances": []}]
    dataset = load(put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows))), allow_empty=0.9)
    assert [row.id for row in dataset.rows] == ["t/1", "t/3"]
    answers = dataset.with_rows(changed(dataset.rows))
    new = [{**instances[0], "output": "So: x"}, instances[1], {**instances[2], "output": "So: z"}]
    assert [record.fields for record in answers.records] == [{**rows[0], "instances": new}, rows[1]]
    one = dataset.with_rows(dataset.rows[1:])
    assert one.records[0].fields == {**rows[0], "instances": instances[1:]}
    assert [row.id for row in one.rows] == ["t/3"]
    apart = dataset.with_rows(changed(dataset.rows, "user", n=0))
    assert [record.fields["id"] for record in apart.records] == ["t/1", "t/2", "u"]
    assert [record.fields["instruction"] for record in apart.records] == ["So: i", "i", "j"]
    assert [row.id for row in apart.rows] == ["t/1", "t/3"]
    apart.write(tmp_path / "b.jsonl")
    assert [row.turns for row in load(tmp_path / "b.jsonl", allow_empty=0.9).rows] == [row.turns for row in apart.rows]


def test_turns_cut_off_are_put_back(tmp_path: Path) -> None:
    said = [("gpt", "tail"), ("human", "a"), ("gpt", "b"), ("human", "thanks")]
    record = {"conversations": [{"from": who, "value": what, "n": 1} for who, what in said]}
    dataset = load(put(tmp_path, "a.jsonl", json.dumps(record)))
    (made,) = dataset.with_rows(changed(dataset.rows)).records
    assert [turn["value"] for turn in made.fields["conversations"]] == ["tail", "a", "So: b", "thanks"]
    assert all(turn["n"] == 1 for turn in made.fields["conversations"])


def test_what_a_layout_cannot_hold_names_the_row_and_what_to_do(tmp_path: Path) -> None:
    dataset = load(put(tmp_path, "a.jsonl", '{"question": "a", "answer": "b"}'))
    with pytest.raises(DataError, match="row 1: the gsm8k layout holds one question and one answer") as caught:
        dataset.transform([{"name": "role_play", "mode": "add", "place": "system"}])
    assert caught.value.fix == "write it in the `messages` layout"


def test_another_suffix_is_written_in_its_usual_way(tmp_path: Path) -> None:
    dataset = load(put(tmp_path, "a.jsonl", STYLES["usual.jsonl"]), allow_empty=0.5)
    for name in ("b.json", "b.jsonl.gz", "b.parquet", "b.csv", "b.ndjson"):
        dataset.write(tmp_path / name)
        found = [dict(record.fields) for record in read_records(tmp_path / name)]
        as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in ROWS]
        assert found == (as_text if name.endswith("csv") else ROWS)
    with pytest.raises(DataError, match="end in .txt are read and not written"):
        dataset.write(tmp_path / "b.txt")
    with pytest.raises(DataError, match=r"'\.xlsx' is no kind of file known"):
        dataset.write(tmp_path / "b.xlsx")


def test_what_a_kind_of_file_cannot_hold_leaves_no_file(tmp_path: Path) -> None:
    record = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    dataset = load(put(tmp_path, "a.jsonl", json.dumps(record)))
    with pytest.raises(DataError, match="found a list where text is expected"):
        dataset.write(tmp_path / "b.csv")
    mixed = load(put(tmp_path, "c.jsonl", '{"prompt": "a", "completion": "b", "x": 1}\n'
                                          '{"prompt": "a", "completion": "b", "x": {}}\n'))  # fmt: skip
    with pytest.raises(DataError, match="column 'x': its values are of several types"):
        mixed.write(tmp_path / "b.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "c.jsonl"]


def test_columns_by_name_are_written_back(tmp_path: Path) -> None:
    raw = (
        '{"q": "a", "r": 5, "s": "", "c": "text", "more": [1]}\n{"q": "d", "r": "e", "s": "f", "c": null, "more": []}\n'
    )
    columns = {"prompt": "q", "answer": "r", "system": "s", "context": "c"}
    dataset = load(put(tmp_path, "a.jsonl", raw), columns=columns)
    assert rewritten(dataset, tmp_path / "b.jsonl").decode() == raw
    rows = changed(tuple(changed(dataset.rows, "user")))
    made = dataset.with_rows([*rows, ADDED])
    assert [dict(record.fields) for record in made.records] == [
        {"q": "So: a", "r": "So: 5", "s": "", "c": "text", "more": [1]},
        {"q": "So: d", "r": "So: e", "s": "f", "c": None, "more": []},
        {"q": "q", "r": "a", "s": "", "c": ""},
    ]


def test_transforms_from_python(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps(ROWS, indent=2))
    before = load(path, allow_empty=0.5)
    made = before.transform([{"name": "answer_structure", "to": "numbered_list"}], seed=3)
    assert made.dataset.rows[0].answer == "1. One.\n2. Two."
    assert [change.applied for change in made.changes] == [2]
    assert [difference.id for difference in made.diff] == ["1", "3"]
    assert before.rows[0].answer == "One. Two.", "what was loaded stays"
    made.write(tmp_path / "b.json", tmp_path / "b.diff")
    assert load(tmp_path / "b.json", allow_empty=0.5).rows == made.dataset.rows
    assert (tmp_path / "b.diff").read_text() == made.diff_text()
    assert "+1. One." in made.diff_text()
    assert data.transform(before, [{"name": "answer_structure", "to": "numbered_list"}], seed=3) == made
    plain = put(tmp_path, "c.json", json.dumps([ROWS[0], ROWS[2]]))
    assert len(data.transform(plain, [{"name": "subset", "rows": 1}]).dataset.rows) == 1
    with pytest.raises(UnknownName):
        before.transform([{"name": "nothing"}])


def test_both_files_are_written_or_neither(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps([ROWS[0]]))
    made = load(path).transform([{"name": "answer_structure", "to": "bullets"}])
    with pytest.raises(DataError):
        made.write(tmp_path / "b.txt", tmp_path / "b.diff")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
