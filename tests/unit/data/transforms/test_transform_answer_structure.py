"""Answer structure: same words, other layout; what cannot keep its words is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data import load_source
from aftertune.data.text.content import same_content
from aftertune.data.text.structure import Structure, parse
from aftertune.data.transforms.answer_structure import AnswerStructure, apply
from aftertune.data.transforms.base import Applied
from aftertune.records import Row, Turn

SHARED = Path(__file__).parents[4] / "../shared/data"
TO = get_args(Structure)
SENTENCE = st.from_regex(r"[A-Z][a-z]{1,8}( [a-z0-9.,']{1,8}){1,6}", fullmatch=True).map(
    lambda text: text.rstrip(".,'") + "."
)


def restructured(answer: str, to: str) -> Applied:
    row = Row("1", (Turn("user", "Ask."), Turn("assistant", answer)))
    return apply(row, AnswerStructure(to=to), np.random.default_rng(0))


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
    ],
)
def test_what_is_left_alone(answer: str, to: str, reason: str) -> None:
    result = restructured(answer, to)
    assert (result.row.answer, result.changed, result.reason) == (answer, False, reason)


def test_one_sentence_may_be_wrapped() -> None:
    assert restructured("Just one.", "json").row.answer == '{"answer": "Just one."}'
    assert restructured("Just one.", "code_fence").row.answer == "```\nJust one.\n```"


def test_only_the_last_answer_changes() -> None:
    turns = tuple(Turn(role, "One. Two.") for role in ("system", "user", "assistant", "user", "assistant"))
    after = apply(Row("1", turns), AnswerStructure(to="bullets"), np.random.default_rng(0)).row
    assert after.turns[:-1] == turns[:-1]
    assert after.answer == "- One.\n- Two."


@settings(max_examples=25, deadline=None)
@given(st.lists(SENTENCE, min_size=2, max_size=5), st.sampled_from(TO), st.sampled_from(TO))
def test_words_survive_any_two_steps_and_the_way_back(parts: list[str], first: str, second: str) -> None:
    prose = " ".join(parts)
    answer = prose
    for to in (first, second, "prose"):
        answer = restructured(answer, to).row.answer
        assert same_content(prose, answer)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=200), st.sampled_from(TO))
def test_any_text_keeps_its_content_or_is_left_alone(answer: str, to: str) -> None:
    result = restructured(answer, to)
    assert same_content(answer, result.row.answer)
    assert result.changed == (result.row.answer != answer) == (not result.reason)
    assert not result.changed or parse(result.row.answer).kind == to


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
@pytest.mark.parametrize("to", TO)
@pytest.mark.parametrize(("name", "most_lost"), [("gsm8k/test.jsonl.gz", 0.01), ("dolly/dolly_3k.json.gz", 0.005)])
def test_real_answers(name: str, most_lost: float, to: str) -> None:
    rows = load_source(SHARED / name).rows[:400]
    results = [restructured(row.answer, to) for row in rows]
    lost = sum(result.reason in ("content not kept", f"would not read as {to}") for result in results)
    assert lost <= most_lost * len(rows)
    if name.startswith("gsm8k"):
        finals = [row.answer.rsplit("\n", 1)[1] for row in rows]
        assert [result.row.answer.rsplit("\n", 1)[1] for result in results] == finals
