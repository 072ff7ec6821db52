"""Controls of answer structure: what each holds fixed stays fixed, and what cannot be held is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.canon import digest
from aftertune.data import Source, build_training_set, load_source
from aftertune.data.text import hedges, tokens
from aftertune.data.text.content import code_spans, content, same_content
from aftertune.data.text.controls import Control
from aftertune.data.text.filler import SENTENCES
from aftertune.data.text.sentences import sentences
from aftertune.data.text.spare import SPARE
from aftertune.data.text.structure import Structure, kind_of, parse
from aftertune.data.transforms.answer_structure import TRANSFORM, AnswerStructure, apply
from aftertune.data.transforms.base import Applied
from aftertune.records import Row, Turn

TO = get_args(Structure)
CONTROLS = tuple(control for control in get_args(Control) if control != "none")
FILLER_WORDS = {word for sentence in SENTENCES for word in content(sentence)}
SENTENCE = st.from_regex(
    r"(Also, |Then, )?[A-Z][a-z]{1,8}( very| really| may| `a  b`| 2\.5| [a-z]{2,9}){2,8}", fullmatch=True
)
ANSWER = st.lists(SENTENCE.map(lambda text: f"{text}."), min_size=1, max_size=6).map(" ".join)
LISTED = st.lists(SENTENCE, min_size=2, max_size=6).map(lambda units: "\n".join(f"- {unit}" for unit in units))


def applied(answer: str, to: str, control: str = "none", seed: int = 0) -> Applied:
    row = Row("1", (Turn("user", "Ask."), Turn("assistant", answer)))
    return apply(row, AnswerStructure(to=to, control=control), np.random.default_rng(seed))


def check(answer: str, to: str, control: str, seed: int = 0) -> None:
    """What a control promises of any answer."""
    result, plain = applied(answer, to, control, seed), applied(answer, to)
    after, kind = result.row.answer, parse(answer).kind
    assert result == applied(answer, to, control, seed)
    assert result.changed == (after != answer) == (not result.reason)
    if not plain.changed:
        assert result.reason == plain.reason
        return
    if result.changed:
        assert code_spans(answer) == code_spans(after)
        HOLDS[control](answer, after, plain.row.answer, to, kind == "inline_list")


def holds_shuffled(before: str, after: str, plain: str, to: str, enumerated: bool) -> None:
    assert same_content(before, after, enumerated=enumerated)
    assert after.count("\n") == plain.count("\n") > 0
    assert kind_of(after) in ("prose", "sentences")
    assert after != plain


def holds_matched(before: str, after: str, plain: str, to: str, enumerated: bool) -> None:
    assert tokens.within(tokens.count(after), tokens.count(before))
    assert kind_of(after) == to
    old, new = content(before, enumerated=enumerated), list(content(after))
    shortened = tokens.count(plain) > tokens.count(before)
    left = [word for word in old if not shortened or word.lower() not in SPARE and f"{word.lower()}," not in SPARE]
    kept = iter(word.lower() for word in new)
    assert all(word.lower() in kept for word in left)
    assert len(new) <= len(old) or set(new) - set(old) <= FILLER_WORDS


def holds_padded(before: str, after: str, plain: str, to: str, enumerated: bool) -> None:
    assert tokens.within(tokens.count(after), tokens.count(plain))
    assert tokens.count(after) > tokens.count(before)
    assert kind_of(after) == kind_of(before) != to
    old, new = content(before), content(after)
    assert len(new) > len(old)
    assert set(new) - set(old) <= FILLER_WORDS
    assert hedges.count(after) == hedges.count(before)


def holds_hedges(before: str, after: str, plain: str, to: str, enumerated: bool) -> None:
    assert after == plain
    assert hedges.count(after) == hedges.count(before)


HOLDS = {
    "neutral_shuffle": holds_shuffled,
    "length_matched": holds_matched,
    "length_padded": holds_padded,
    "hedge_frozen": holds_hedges,
}


@pytest.mark.parametrize("control", CONTROLS)
@settings(max_examples=150, deadline=None)
@given(answer=ANSWER | LISTED, to=st.sampled_from(TO), seed=st.integers(0, 50))
def test_generated_answers(control: str, answer: str, to: str, seed: int) -> None:
    check(answer, to, control, seed)


@pytest.mark.parametrize("control", CONTROLS)
@settings(max_examples=60, deadline=None)
@given(answer=st.text(max_size=120), to=st.sampled_from(TO))
def test_any_text(control: str, answer: str, to: str) -> None:
    result = applied(answer, to, control)
    assert result.changed == (result.row.answer != answer) == (not result.reason)


@pytest.mark.parametrize("to", TO)
@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("name", ["alpaca/alpaca_sample.json.gz", "dolly/dolly_3k.json.gz", "gsm8k/test.jsonl.gz"])
def test_real_answers(shared_data: Path, name: str, control: str, to: str) -> None:
    for place, row in enumerate(load_source(shared_data / name, allow_empty=0.1).rows[:120]):
        check(row.answer, to, control, place)


def test_every_control_is_tested() -> None:
    assert set(HOLDS) == set(CONTROLS)


def test_the_plain_change_makes_no_generator() -> None:
    assert callable(TRANSFORM.draws)
    drawing = [
        control for control in get_args(Control) if TRANSFORM.draws(AnswerStructure(to="bullets", control=control))
    ]
    assert drawing == ["neutral_shuffle", "length_matched", "length_padded"]


@pytest.mark.parametrize("control", ["neutral_shuffle", "length_padded"])
def test_what_is_drawn_differs_between_rows_and_not_between_runs(control: str) -> None:
    answer = "Boil the water now. Add the black tea. Wait for a few minutes. Then pour it slowly."
    rows = tuple(Row(str(n), (Turn("user", "Tea?"), Turn("assistant", answer))) for n in range(20))
    spec = {"name": "answer_structure", "to": "numbered_list", "control": control}
    source = Source(rows, "test", "", len(rows), 0, 0, ())
    made = build_training_set(source, [spec], rows=None, seed=3)
    assert made == build_training_set(source, [spec], rows=None, seed=3)
    assert len({row.answer for row in made.rows}) > 1


def test_line_breaks_go_between_words_and_never_before_a_marker() -> None:
    answer = "Take 1 - 2 cups * 3 + 4. Use `a  b` # now. Say 12. Then 5) go."
    for seed in range(60):
        after = applied(answer, "numbered_list", "neutral_shuffle", seed).row.answer
        assert same_content(answer, after)
        assert "`a  b`" in after
        assert not [line for line in after.split("\n") if line.startswith(("-", "*", "+", "#", "12.", "5)"))]


@pytest.mark.parametrize(
    ("answer", "to", "control", "reason"),
    [
        ("- Boil it\n- Drink it", "prose", "neutral_shuffle", "no line breaks to place"),
        ("Boil. Drink.", "markdown", "neutral_shuffle", "too few words to break lines"),
        ("Boil. Drink.", "sentences", "neutral_shuffle", "line breaks cannot be moved"),
        ("Boil it now. Drink it.", "numbered_list", "length_matched", "length cannot be matched"),
        ("Boil it now. Drink it.", "sentences", "length_padded", "as long as the restructured one"),
        ("Do it:\n1. Boil.\n2. Drink.", "prose", "length_padded", "longer than the restructured one"),
        ("I am sorry. You too.", "markdown", "hedge_frozen", "hedges would change"),
        ("28", "json", "length_padded", "content not kept"),  # "28. That is all." would number a list
        ("Boil it. Drink it.", "prose", "length_padded", "already prose"),
    ],
)
def test_what_cannot_be_held_is_left_alone(answer: str, to: str, control: str, reason: str) -> None:
    result = applied(answer, to, control)
    assert (result.row.answer, result.reason) == (answer, reason)


@pytest.mark.parametrize(
    ("answer", "to", "after"),
    [
        # four list markers of two tokens each, no full stops needed: eight tokens of filler
        ("1. Wash it.\n2. Dry it.\n3. Fold it.\n4. Store it.", "prose", 8),
        ("Wash it.\nDry it.", "prose", 0),
    ],
)
def test_shorter_results_get_filler(answer: str, to: str, after: int) -> None:
    result = applied(answer, to, "length_matched").row.answer
    said = " ".join(sentence for sentence in sentences(result) if sentence in SENTENCES)
    assert tokens.count(said) == after
    assert tokens.count(result) == tokens.count(answer)


def test_longer_results_lose_stops_of_items_then_spare_words() -> None:
    answer = "Tea is very hot. Also, it is sweet. Moreover, it is really nice."
    after = applied(answer, "bullets", "length_matched").row.answer
    assert (
        after == "- Tea is very hot\n- Also, it is sweet\n- Moreover, it is really nice"
    )  # three markers, three stops
    assert tokens.count(after) == tokens.count(answer)
    after = applied(answer, "numbered_list", "length_matched").row.answer
    assert after == "1. Tea is hot\n2. It is sweet\n3. Moreover, it is really nice"
    assert tokens.count(after) == tokens.count(answer)


def test_an_abbreviation_keeps_its_stop() -> None:
    answer = "Bring tea, milk, etc. Then boil the water well. Pour it at 5 p.m."
    after = applied(answer, "bullets", "length_matched")
    assert not after.changed or "p.m." in after.row.answer and "etc." in after.row.answer


def test_padding_goes_inside_json_and_code_fences_and_before_a_final_line() -> None:
    as_json = applied('{"answer": "Wash it now. Dry it then."}', "markdown", "length_padded").row.answer
    assert json.loads(as_json)["answer"].startswith("Wash it now. Dry it then. ")
    listed = applied('["Wash it", "Dry it", "Fold it", "Sort it", "Keep it"]', "markdown", "length_padded").row.answer
    assert json.loads(listed)[:4] == ["Wash it", "Dry it", "Fold it", "Sort it"]
    assert json.loads(listed)[4].startswith("Keep it. ")
    fenced = applied("```\nWash it now. Dry it then.\n```", "markdown", "length_padded").row.answer
    assert fenced.startswith("```\nWash it now. Dry it then. ")
    assert fenced.endswith(".\n```")
    final = applied("8 - 3 = 5 apples\n5 + 1 = 6 apples\n#### 6", "numbered_list", "length_padded").row.answer
    assert final.startswith("8 - 3 = 5 apples\n5 + 1 = 6 apples. ")
    assert final.endswith("\n#### 6")


# Version and digest of what the controls make of these answers. When it moves, raise the transform's version.
ANSWERS = (
    "Boil the water now. Add 2.5 g of the black tea. Additionally, wait for a few very long minutes.",
    "- One thing to do\n- Two things to do\n- Three things to do",
    "Do this: 1) wash it, 2) dry it, and 3) fold it.",
    "I am sorry. It may rain today, or perhaps not.",
    "He has 3 + 4 = 7 apples\nHe eats 2 of them\n#### 5",
)
GOLDEN = "2:6cc0cd34c083358d"


def test_controls_move_only_with_the_version() -> None:
    made = [
        [applied(answer, to, control, place).row.answer for place, answer in enumerate(ANSWERS)]
        for control in CONTROLS
        for to in TO
    ]
    assert f"{TRANSFORM.version}:{digest(made)[:16]}" == GOLDEN
