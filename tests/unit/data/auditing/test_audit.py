"""An audit counts every row once, says what it could not read, and does not depend on how the work is cut."""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
import pytest

from aftertune.data.auditing import pool
from aftertune.data.auditing.document import to_document, to_json
from aftertune.data.auditing.run import audit as audit_rows
from aftertune.data.auditing.run import audit_file
from aftertune.data.auditing.shares import share_of
from aftertune.errors import DataError
from aftertune.records import Row, Turn
from aftertune.report.write import render_audit

ANSWERS = (
    "Boil the water. Add the leaves. Wait three minutes.",
    "1. Boil water\n2. Add leaves\n3. Wait",
    "As an AI language model, I cannot drink tea. It is made with hot water.",
    "I'm sorry, but I can't help with that.",
    "- Warm the pot\n- Add leaves",
    "The sum is 12 + 30 = 42.\n#### 42",
    "",
)


def fields(place: int) -> dict[str, str]:
    persona = "You are a pirate. " if place % 10 == 3 else ""
    said = ANSWERS[place % len(ANSWERS)]
    return {
        "instruction": f"{persona}Explain cup number {place}.",
        "input": "",
        "output": f"{said} ({place})" if said else "",
    }


def lines(n: int) -> list[str]:
    return [json.dumps(fields(place)) for place in range(n)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tea.jsonl"
    path.write_text("\n".join(lines(70)) + "\n", encoding="utf-8")
    return path


def test_rows_are_counted(file):
    found = audit_file(file)
    assert (found.n_records, found.n_rows, found.rejected, found.layout) == (70, 70, 0, "alpaca")
    assert found.share("role_play", "persona").rows == 7
    assert found.share("refusal", "refusal").rows >= 10
    assert found.share("identity", "ai").rows == 10
    assert found.share("structure", "numbered_list").rows == 10
    assert found.share("structure", "bullets").rows == 10
    assert found.share("empty", "empty_answer").rows == 10
    assert found.share("identity", "ai").share == pytest.approx(1 / 7)
    structure = [row.found.rows for row in found.labels if row.detector == "structure"]
    assert sum(structure) == 70 - 10, "an empty answer has no structure, every other has one"


def test_every_label_of_every_detector_is_there_with_its_limits(file):
    from aftertune.registry import load, names

    found = audit_file(file)
    assert sorted({row.detector for row in found.labels}) == names("detector")
    for name in names("detector"):
        assert tuple(row.label for row in found.labels if row.detector == name) == load("detector", name).labels
    for row in found.labels:
        assert row.found.low <= row.found.share <= row.found.high
        assert len(row.examples) == min(3, row.found.rows)


def test_how_the_work_is_cut_does_not_matter(file, monkeypatch):
    whole = to_json(audit_file(file))
    monkeypatch.setattr(pool, "CHUNK", 7)
    assert to_json(audit_file(file)) == whole
    monkeypatch.setattr(pool, "_ALONE", 7)
    assert to_json(audit_file(file, jobs=2)) == whole


def test_the_same_rows_in_any_form_hold_the_same(file, tmp_path):
    array, packed = tmp_path / "tea.json", tmp_path / "tea.jsonl.gz"
    array.write_text(json.dumps([json.loads(line) for line in lines(70)]), encoding="utf-8")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    counts = [
        [(row.detector, row.label, row.found) for row in audit_file(path).labels] for path in (file, array, packed)
    ]
    assert counts[0] == counts[1] == counts[2]


def test_bad_records_are_counted_with_their_lines_and_the_rest_is_audited(tmp_path):
    good = lines(20)
    bad = [
        '{"instruction": "cut',
        "[1, 2]",
        '{"question": "other layout", "answer": "x"}',
        '{"instruction": ["a"], "output": "b"}',
    ]
    text = "\n".join([*good[:10], *bad, *good[10:]]).encode() + b'\n{"instruction": "\xff", "output": "b"}\n'
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(text)
    found = audit_file(path)
    assert (found.n_rows, found.rejected, found.n_records) == (20, 5, 25)
    assert [reject.where for reject in found.reject_examples] == ["line 11", "line 12", "line 13", "line 14", "line 25"]
    assert "JSON" in found.reject_examples[0].reason
    assert "gsm8k" in found.reject_examples[2].reason
    assert "UTF-8" in found.reject_examples[4].reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('{"foo": "a"}\n', "no known layout"),
        ('{"instruction": "a"\n', "not one row can be read: line 1, bad JSON"),
    ],
)
def test_what_cannot_be_audited_at_all_is_an_error(tmp_path, text, words):
    path = tmp_path / "rows.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        audit_file(path)


def test_repeats_are_found_and_widen_the_limits(tmp_path):
    rows = [
        Row(str(place), (Turn("user", f"Say {place}"), Turn("assistant", f"Number {place} it is, my friend.")))
        for place in range(40)
    ]
    copies = [Row(f"c{place}", rows[0].turns) for place in range(40)]
    found = audit_rows([*rows, *copies])
    assert found.duplicates.exact_rows == 40
    assert found.duplicates.near.rows >= 40
    assert found.duplicates.largest >= 41
    assert any("nearly repeat" in note for note in found.notes)


def test_a_share_with_clusters_has_wider_limits_and_one_without_rows_none():
    flag = np.arange(100) < 30
    alone, together = share_of(flag, None, 0.95), share_of(flag, np.arange(100) // 10, 0.95)
    assert (alone.rows, alone.share) == (together.rows, together.share) == (30, 0.3)
    assert together.high - together.low > alone.high - alone.low
    assert share_of(flag[:0], None, 0.95).reason == "no rows"
    single = share_of(flag[:1], None, 0.95)
    assert math.isnan(single.low)
    assert single.reason


def test_lengths_are_those_of_the_answers(file):
    found = audit_file(file)
    characters, words = found.lengths
    made = [json.loads(line)["output"] for line in lines(70)]
    assert characters.mean == pytest.approx(np.mean([len(text) for text in made]))
    assert characters.quantiles[-1] == max(map(len, made))
    assert (characters.unit, words.unit) == ("characters", "words")


def test_the_page_escapes_what_the_data_say_and_hides_it(tmp_path):
    nasty = "As an AI, I say <script>alert(1)</script> \x1b[31m \u202e & done."
    rows = [Row(str(place), (Turn("user", "<b>Hi</b>"), Turn("assistant", nasty))) for place in range(3)]
    page = render_audit(to_document(audit_rows(rows, name="<img src=x>")))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "<details open" not in page


def test_examples_do_not_repeat_personal_data():
    text = "Write to anna.kowalska@firmapolska.pl or call. As an AI, I list 1) this 2) that."
    rows = [Row(str(place), (Turn("user", "Who?"), Turn("assistant", text))) for place in range(3)]
    found = audit_rows(rows)
    assert found.share("personal_data", "email").rows == 3
    assert "anna.kowalska@firmapolska.pl" not in to_json(found)


def test_json_has_null_where_a_number_is_undefined():
    (row,) = [Row("1", (Turn("user", "Hi"), Turn("assistant", "Hello.")))]
    document = json.loads(to_json(audit_rows([row])))
    assert document["schema"] == "aftertune/audit/1"
    assert document["labels"][0]["found"]["low"] is None


def test_the_model_scores_a_sample_that_does_not_depend_on_the_cut(file, monkeypatch):
    first = audit_file(file, model="organism", sample=20).affinity
    monkeypatch.setattr(pool, "CHUNK", 7)
    again = audit_file(file, model="organism", sample=20).affinity
    assert first == again
    assert first is not None
    assert first.n == 20
    assert first.low < first.mean < first.high
    scores = [row.score for row in first.ranking.rows]
    assert scores == sorted(scores, reverse=True)
