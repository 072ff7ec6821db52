"""Data files: every kind is read, and every way to be broken has its message."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.canon import file_digest
from aftertune.errors import DataError
from aftertune.files import (
    Record,
    Reject,
    columns_of,
    read_records,
    source_digest,
    stream_records,
    stream_texts,
    text_of,
)

ROWS = [{"id": "1", "q": "a, b"}, {"id": "2", "q": "two\nlines"}]


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def failure(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        read_records(path)
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", 'id,q\n1,"a, b"\n2,"two\nlines"\n'),
        ("a.tsv", 'id\tq\n1\ta, b\n2\t"two\nlines"'),
        ("a.json", '[{"id": "1", "q": "a, b"}, {"id": "2", "q": "two\\nlines"}]'),
        ("a.jsonl", '{"id": "1", "q": "a, b"}\r\n\r\n{"id": "2", "q": "two\\nlines"}'),
        ("lines.json", '{"id": "1", "q": "a, b"}\n{"id": "2", "q": "two\\nlines"}\n'),
        ("keyed.json", '{"1": {"q": "a, b"}, "2": {"q": "two\\nlines"}}'),
        ("lists.json", '{"id": ["1", "2"], "q": ["a, b", "two\\nlines"], "inputs": []}'),
        ("inside.json", '{"data": [{"id": "1", "q": "a, b"}, {"id": "2", "q": "two\\nlines"}]}'),
        ("A.JSONL", '{"id": "1", "q": "a, b"}\n{"id": "2", "q": "two\\nlines"}\n'),
    ],
)
def test_every_kind_gives_the_same_rows(tmp_path: Path, name: str, data: str, zipped: bool) -> None:
    path = write(tmp_path, name + ".gz" * zipped, gzip.compress(data.encode()) if zipped else data)
    assert [dict(record.fields) for record in read_records(path)] == ROWS


def test_parquet(tmp_path: Path) -> None:
    pl.DataFrame(ROWS).write_parquet(tmp_path / "a.parquet")
    assert [dict(record.fields) for record in read_records(tmp_path / "a.parquet")] == ROWS
    zipped = write(tmp_path, "b.parquet.gz", gzip.compress((tmp_path / "a.parquet").read_bytes()))
    assert read_records(zipped) == read_records(tmp_path / "a.parquet")


def test_plain_text_keeps_each_line_and_its_number(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.txt", "one \r\n\n  two\u2028still two"))
    assert records == [
        Record({"text": "one "}, "line 1"),
        Record({"text": "  two\u2028still two"}, "line 3"),
    ]


def test_csv_rows_know_the_line_they_start_on(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", '\ufeffid,q\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert [(record.where, record.fields["q"]) for record in read_records(path)] == [
        ("line 2", "x\r\ny"),
        ("line 5", "z"),
    ]


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    assert columns_of(read_records(write(tmp_path, "a.csv", ",Goal\n0,x\n"))) == ["column_1", "Goal"]


def test_cells_longer_than_the_csv_module_allows_by_default(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    records = read_records(write(tmp_path, "a.csv", f"q\n{'x' * 200_000}\n"))
    assert len(records[0].fields["q"]) == 200_000
    assert csv.field_size_limit() == before


def test_nan_is_a_value_and_no_crash(tmp_path: Path) -> None:
    value = read_records(write(tmp_path, "a.json", '[{"q": NaN}]'))[0].fields["q"]
    assert math.isnan(value)
    assert text_of(value) == ""


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "\n", "no rows"),
        ("a.csv", "id,q\n", "no rows"),
        ("a.txt", "\n \n", "no rows"),
        ("a.json", "[]", "no rows"),
        ("a.json", "{}", "no rows"),
        ("a.csv", "id,q,id\n1,2,3\n", ":1: columns 1 and 3 are both called 'id'"),
        ("a.csv", "id,q\n1\n", ":2: 1 cell, and the header has 2 columns"),
        ("a.csv", "id,q\n1,2\n3,4,5\n", ":3: 3 cells, and the header has 2 columns"),
        ("a.csv", 'id,q\n1,2\n3,"x\n', ":3: broken row"),
        ("a.jsonl", '{"a": 1}\n\n{"a": }\n', ":3: bad JSON at column 7"),
        ("a.json", '[{"a": 1},\n{"a" 2}]', ":2: bad JSON at column 6"),
        ("a.json", '[{"a": 1}] x', ":1: bad JSON at column 12"),
        ("a.jsonl", '{"a": 1}\n{"a":\n', ":2: bad JSON at column"),
        ("a.jsonl", '{"a": 1}\n"x"\n', ":2: a row must be an object, found a text"),
        ("a.json", '[{"a": 1}, 3]', " row 2: a row must be an object, found a number"),
        ("a.json", '"x"', "found a text that is no list of rows"),
        ("a.json", '{"a": 1}', "found an object that is no list of rows"),
        ("a.json", '{"a": ["x", "y"], "b": ["z"]}', "different lengths: a 2, b 1"),
        ("a.json", "[" * 100_000, "cannot be read"),
        ("a.json", f'[{{"a": {"9" * 5000}}}]', "cannot be read"),
        ("a.jsonl", '{"a": ["ok", {"b": "\\ud83d"}]}', ":1: half of a character pair (\\ud83d)"),
        ("a.txt", b"hi\n\xffno\n", ":2: not UTF-8 text (byte 0xff at column 1)"),
        ("a.csv", "a,b\n1,2".encode("utf-16"), "looks like UTF-16"),
        ("a.csv", gzip.compress(b"a\n1\n", mtime=0), "gzip data without .gz in its name"),
        ("a.csv.gz", "a\n1\n", "broken gzip data"),
        ("a.csv.gz", gzip.compress(b"a\n1\n" * 99, mtime=0)[:-5], "broken gzip data"),
        ("a.parquet", "no parquet", "broken Parquet data"),
        ("a.xlsx", "x", "the suffix '.xlsx' is no kind of file known here"),
        ("rows", "x", "a name without suffix"),
    ],
)
def test_broken_files_say_what_and_where(tmp_path: Path, name: str, data: bytes | str, said: str) -> None:
    path = write(tmp_path, name, data)
    error = failure(path)
    assert str(path) in error.message
    assert said in error.message


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "prompts.csv", "a\n1\n")
    assert "did you mean 'prompts.csv'?" in failure(tmp_path / "promts.csv").message
    assert "there is no folder" in failure(tmp_path / "none" / "a.csv").message


def test_a_folder_lists_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, "prompts.csv", "a\n1\n")
    assert "is a folder; it holds prompts.csv" in failure(tmp_path).message


def test_source_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a\n1\n")
    assert source_digest(path) == source_digest(str(path)) == file_digest(path)
    with pytest.raises(DataError, match="no such file"):
        source_digest(tmp_path / "b.csv")


def test_text_of_refuses_what_is_no_text() -> None:
    with pytest.raises(DataError, match="found a list where text is expected"):
        text_of(["a"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2), min_size=1, max_size=5))
def test_any_csv_the_standard_library_writes_is_read_back(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "a.csv", file.getvalue())
        assert [list(record.fields.values()) for record in read_records(path)] == rows


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from([".csv", ".tsv", ".json", ".jsonl", ".txt", ".parquet", ".csv.gz"]),
    st.binary(max_size=60),
)
def test_any_bytes_are_rows_or_a_data_error(suffix: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "a" + suffix, data)
        try:
            fix = "none" if read_records(path) else ""
        except DataError as error:
            fix = error.fix
    assert fix


def rejected(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The first column of the good rows, and where and why the others were skipped."""
    bad: list[Reject] = []
    good = [str(next(iter(record.fields.values()))) for record in stream_records(path, bad.append)]
    return good, [(reject.where, reject.reason) for reject in bad]


@pytest.mark.parametrize(
    ("name", "data", "good", "where", "why"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": \n\n{"a": 3}\n', ["1", "3"], "line 2", "bad JSON at column"),
        ("a.jsonl", b'{"a": 1}\n{"a": 2} {}\n{"a": 3}\n', ["1", "3"], "line 2", "bad JSON at column 10 (Extra data)"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}\n{"a": 3}\n', ["1", "3"], "line 2", "not UTF-8 text (byte 0xff at col"),
        ("a.jsonl", b'{"a": 1}\n["b"]\n{"a": 3}\n', ["1", "3"], "line 2", "a row must be an object, found a list"),
        (
            "a.jsonl",
            b'{"a": 1}\n{"a": "\\uDE00"}\n{"a": 3}\n',
            ["1", "3"],
            "line 2",
            "half of a character pair (\\ude00)",
        ),
        ("a.jsonl", b'{"a": 1}\n' + b"[" * 99_999 + b'\n{"a": 3}', ["1", "3"], "line 2", "cannot be read"),
        ("a.json", b'{"a": 1}\n{"a"\n{"a": 3}\n', ["1", "3"], "line 2", "bad JSON"),
        ("a.json", b'[{"a": 1},\n7,\n{"a": 3}]', ["1", "3"], "row 2", "a row must be an object, found a number"),
        ("a.json", b'[{"a": 1}, {"a": "\xff\xfe"}, {"a": 3}]', ["1", "3"], "row 2", "not UTF-8 text (byte 0xff)"),
        ("a.json", b'{"x": {"a": 1}, "y": {"a": "\\ud800"}}', ["x"], "row 2", "half of a character pair"),
        ("a.csv", b"a,b\n1,2\n3\n4,5\n", ["1", "4"], "line 3", "1 cell, and the header has 2 columns"),
        ("a.csv", b'a,b\n1,2\n"x"y,3\n4,5\n', ["1", "4"], "line 3", "broken row"),
        ("a.csv", b'a,b\n1,2\n"x\n\xff",3\n4,5\n', ["1", "4"], "line 3", "not UTF-8 text (byte 0xff at column 1)"),
        ("a.txt", b"one\n\xff\ntwo", ["one", "two"], "line 2", "not UTF-8"),
    ],
)
def test_a_bad_row_is_skipped_with_its_place(
    tmp_path: Path, name: str, data: bytes, good: list[str], where: str, why: str
) -> None:
    path = write(tmp_path, name, data)
    kept, bad = rejected(path)
    assert kept == good
    assert [place for place, _ in bad] == [where]
    assert why in bad[0][1]
    message = failure(path).message
    assert message.startswith(str(path))
    assert "not UTF-8" in why or f"{where.replace('line ', ':')}: " in message


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 99_999, mtime=0)[:-9], "broken gzip data"),
        ("a.json", '[{"a": 1},\n{"a": 2}\n{"a": 3}]', ":3: bad JSON at column 1 (Expecting ',' delimiter)"),
        ("a.json", '[{"a": 1},\n{"a": 2', ":2: bad JSON at column 8"),
        ("a.json", '[{"a": 1},]', ":1: bad JSON at column 11 (Expecting value)"),
        ("a.json", '[{"a": 1}', ":1: bad JSON at column 10"),
        ("a.json", '[{"a": 1}]\n[]', ":2: bad JSON at column 1 (Extra data)"),
        ("a.csv", 'a,b\n1,2\n3,"4\n5,6\n', ":3: broken row (unexpected end of data)"),
        ("a.csv", b"a,\xff\n1,2\n", ":1: not UTF-8"),
        ("a.jsonl", "nothing\nhere\n", "the file has no rows"),
    ],
)
def test_what_cannot_be_gone_on_from_is_an_error_anyway(
    tmp_path: Path, name: str, data: bytes | str, said: str
) -> None:
    path = write(tmp_path, name, data)
    with pytest.raises(DataError) as caught:
        rejected(path)
    assert said in caught.value.message
    assert str(path) in caught.value.message


def test_rows_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    text = '[{"a": 1},\n' + " " * (4 << 20) + "broken"
    rows = stream_records(write(tmp_path, "a.json", text))
    assert next(rows).fields == {"a": 1}
    with pytest.raises(DataError, match=r":2: bad JSON at column 4194305 "):
        next(rows)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("zipped", [False, True])
def test_arrays_longer_than_the_window_give_the_same_rows(tmp_path: Path, indent: int | None, zipped: bool) -> None:
    """Pieces of the file end in numbers, escapes, characters of several bytes, and rows of many lengths."""
    rows = [{"n": n * 10**9 + 0.5, "é": "ü€😀\n\\" * (n % 977), "list": [n, None, True]} for n in range(1500)]
    rows.append({"long": "x" * (3 << 20)})
    rows.append({"n": 1})
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    assert len(text.encode()) > 8 << 20
    path = write(tmp_path, "a.json" + ".gz" * zipped, gzip.compress(text.encode()) if zipped else text)
    assert [record.fields for record in stream_records(path)] == rows
    assert [json.loads(raw) for _, raw in stream_texts(path)] == rows


def test_a_broken_row_far_into_an_array_has_its_line(tmp_path: Path) -> None:
    rows = [json.dumps({"a": n, "b": "é" * 100}, indent=1) for n in range(30_000)]
    rows[29_000] = rows[29_000].replace('"b":', '"b"')
    text = "[\n" + ",\n".join(rows) + "\n]"
    line = text[: text.index('"b" ')].count("\n") + 1
    with pytest.raises(DataError, match=rf":{line}: bad JSON at column 6 \(Expecting ':' delimiter\)"):
        list(stream_records(write(tmp_path, "a.json", text)))


def test_the_text_of_a_row_is_kept_where_it_has_one(tmp_path: Path) -> None:
    texts = [text for _, text in stream_texts(write(tmp_path, "a.jsonl", '{"a":  1}\r\n\n {"a": 2} \n'))]
    assert texts == ['{"a":  1}', ' {"a": 2} ']
    texts = [text for _, text in stream_texts(write(tmp_path, "a.csv", 'a,b\r\n1,"x\r\ny"\r\n2,z'))]
    assert texts == ['1,"x\r\ny"\r\n', "2,z"]
    texts = [text for _, text in stream_texts(write(tmp_path, "a.json", '[ {"a":1} ,{"a" : 2}]'))]
    assert texts == ['{"a":1}', '{"a" : 2}']


def test_parquet_comes_in_batches(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(25_000)}).write_parquet(tmp_path / "a.parquet", row_group_size=7_000)
    records = list(stream_records(tmp_path / "a.parquet"))
    assert [record.fields["a"] for record in records] == list(range(25_000))
    assert records[-1].where == "row 25000"


_MEASURED = """
import resource, sys
from aftertune.files import stream_records
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
n = sum(1 for _ in stream_records(sys.argv[1]))
print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.jsonl.gz"])
def test_a_stream_does_not_hold_the_file(tmp_path: Path, name: str) -> None:
    rows = [{"a": "x" * 1000, "b": str(n)} for n in range(60_000)]
    if name == "a.json":
        data = json.dumps(rows, indent=1)
    elif name == "a.csv":
        data = "a,b\n" + "".join(f"{row['a']},{row['b']}\n" for row in rows)
    else:
        data = "".join(json.dumps(row) + "\n" for row in rows)
    path = write(tmp_path, name, gzip.compress(data.encode(), 1) if name.endswith(".gz") else data)
    ran = subprocess.run([sys.executable, "-c", _MEASURED, str(path)], capture_output=True, text=True, check=True)
    n, megabytes = map(int, ran.stdout.split())
    assert n == len(rows)
    assert megabytes < 30, "the file has 60 MB"
