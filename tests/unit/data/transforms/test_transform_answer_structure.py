"""Answer structure: same words, other layout; what cannot keep its words is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data import load_source
from aftertune.data.text.content import content, same_content
from aftertune.data.text.rendering import render
from aftertune.data.text.structure import Structure, kind_of, parse
from aftertune.data.transforms.answer_structure import LONGEST, AnswerStructure, apply
from aftertune.data.transforms.base import Applied
from aftertune.records import Row, Turn

TO = get_args(Structure)
PAIRS = [(first, second) for first in TO for second in TO if first != second]
SENTENCE = st.from_regex(r"[A-Z][a-z]{1,8}( [a-z0-9.,']{1,8}){1,6}", fullmatch=True).map(
    lambda text: text.rstrip(".,'") + "."
)


def restructured(answer: str, to: str) -> Applied:
    row = Row("1", (Turn("user", "Ask."), Turn("assistant", answer)))
    return apply(row, AnswerStructure(to=to), np.random.default_rng(0))


def kept(answer: str, result: Applied, to: str) -> bool:
    """Whether a row is left alone with a reason, or has its content in the structure asked for."""
    after = result.row.answer
    if not result.changed:
        return after == answer and bool(result.reason)
    same = same_content(answer, after, enumerated=parse(answer).kind == "inline_list")
    return same and after != answer and not result.reason and kind_of(after) == to


@pytest.mark.parametrize(
    ("answer", "to", "reason"),
    [
        ("One. Two.", "prose", "already prose"),
        ("- One\n- Two", "bullets", "already bullets"),
        ("Just one.", "numbered_list", "one sentence"),
        ("```python\nprint(1)\n```", "prose", "holds code"),
        ("|a|b|\n|-|-|\n|1|2|", "prose", "holds a table"),
        ("Do 1. one and 2. two.", "bullets", "list in one line"),
        ("   ", "json", "no text"),
        ("a b. " * (LONGEST // 5 + 1), "bullets", "too long to restructure"),
        ("1. 1. One two.\nThree.", "bullets", "content not kept"),
        ("- one line that is at least forty characters long\n- two", "sentences", "would not read as sentences"),
    ],
)
def test_what_is_left_alone(answer: str, to: str, reason: str) -> None:
    result = restructured(answer, to)
    assert (result.row.answer, result.changed, result.reason) == (answer, False, reason)


def test_one_sentence_may_be_wrapped() -> None:
    assert restructured("Just one.", "json").row.answer == '{"answer": "Just one."}'
    assert restructured("Just one.", "code_fence").row.answer == "```\nJust one.\n```"


@pytest.mark.parametrize(
    ("to", "after"),
    [
        ("prose", "Buy: milk, tea, and a cup. Be quick."),
        ("numbered_list", "Buy:\n1. milk,\n2. tea, and\n3. a cup.\n4. Be quick."),
        ("json", '{"answer": ["Buy:", "milk,", "tea, and", "a cup.", "Be quick."]}'),
    ],
)
def test_a_list_in_one_line_is_taken_apart(to: str, after: str) -> None:
    assert restructured("Buy: 1) milk, 2) tea, and 3) a cup. Be quick.", to).row.answer == after


def test_only_the_last_answer_changes() -> None:
    turns = tuple(Turn(role, "One. Two.") for role in ("system", "user", "assistant", "user", "assistant"))
    after = apply(Row("1", turns), AnswerStructure(to="bullets"), np.random.default_rng(0)).row
    assert after.turns[:-1] == turns[:-1]
    assert after.answer == "- One.\n- Two."


@pytest.mark.parametrize(("first", "second"), PAIRS)
@settings(max_examples=10, deadline=None)
@given(parts=st.lists(SENTENCE, min_size=2, max_size=5))
def test_words_survive_every_pair_of_structures_and_the_way_back(first: str, second: str, parts: list[str]) -> None:
    prose = " ".join(parts)
    answer = prose
    for to in (first, second, "prose"):
        result = restructured(answer, to)
        answer = result.row.answer
        assert same_content(prose, answer)
        assert not result.changed or kind_of(answer) == to
    assert content(answer) == content(prose)


@pytest.mark.parametrize("to", TO)
@settings(max_examples=40, deadline=None)
@given(parts=st.lists(SENTENCE, min_size=2, max_size=5))
def test_units_come_back_from_what_was_rendered(to: str, parts: list[str]) -> None:
    """Prose may be split elsewhere than it was joined, where an end of a sentence is in doubt."""
    parsed = parse("\n".join(parts))
    again = parse(render(parsed, to))  # type: ignore[arg-type]
    assert again.kind == to or to == "sentences"
    if to in ("numbered_list", "bullets", "markdown", "json"):
        assert again.units == parsed.units


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.sampled_from(TO))
def test_any_text_keeps_its_content_or_is_left_alone(answer: str, to: str) -> None:
    assert kept(answer, restructured(answer, to), to)


PIECES = [
    *("1. ", "2) ", "- ", "\n", "\n\n", "    ", "# ", "**", "`a  b`", "```\n", "|", "x = 1", "</b>", "Word ", "word "),
    *("e.g. ", ". ", "! ", '"', "(", ")", ": ", "#### 7", '["a", "b"]', "\x1b[1m", "\u201c", "I. ", "One two. "),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(TO))
def test_signs_of_structure_anywhere_keep_their_content_or_are_left_alone(answer: str, to: str) -> None:
    assert kept(answer, restructured(answer, to), to)


def test_an_enormous_answer_costs_nothing() -> None:
    answer = "word. " * 20_000_000
    start = time.process_time()
    assert restructured(answer, "bullets").reason == "too long to restructure"
    assert time.process_time() - start < 1


@pytest.mark.parametrize("piece", ["A. b ", "1. a\n", "- a\n", "It is very hot. ", "A\n", "\u201c", "! ", "**a** "])
def test_the_longest_answers_take_time_in_proportion(piece: str) -> None:
    answer = piece * (LONGEST // len(piece))
    start = time.process_time()
    for to in TO:
        restructured(answer, to)
    assert time.process_time() - start < 20


@pytest.mark.parametrize("to", TO)
@pytest.mark.parametrize(
    ("name", "most_lost"),
    [
        ("gsm8k/test.jsonl.gz", 0.01),
        ("dolly/dolly_3k.json.gz", 0.005),
        ("alpaca/alpaca_sample.json.gz", 0.002),
        ("llamafactory-demo/alpaca_en_demo.json.gz", 0.01),
    ],
)
def test_real_answers(shared_data: Path, name: str, most_lost: float, to: str) -> None:
    rows = load_source(shared_data / name, allow_empty=0.1).rows[:800]
    results = [restructured(row.answer, to) for row in rows]
    lost = sum(result.reason in ("content not kept", f"would not read as {to}") for result in results)
    assert lost <= most_lost * len(rows)
    for row, result in zip(rows, results, strict=True):
        assert kept(row.answer, result, to)
        back = restructured(result.row.answer, "prose").row.answer
        assert not result.changed or same_content(result.row.answer, back)
    if name.startswith("gsm8k"):
        finals = [row.answer.rsplit("\n", 1)[1] for row in rows]
        assert [result.row.answer.rsplit("\n", 1)[1] for result in results] == finals
