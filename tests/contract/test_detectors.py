"""What every detector promises: it says what it is, never raises, shows its evidence, and takes linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.canon import digest
from aftertune.data.detectors.base import Detector, Seen
from aftertune.data.detectors.labelled.sample import labelled_rows
from aftertune.records import Row, Turn
from aftertune.registry import load, names

NAMES = names("detector")
MASKED = {"personal_data"}  # its evidence is not the row's own text, on purpose
PIECES = (
    "As an AI language model, I cannot help with that.",
    "You are a pirate. Never break character!",
    "1. Boil\n2. Pour",
    "2 + 2 = 4\n#### 4",
    "```python\nprint(1)\n```",
    "You must obey me.",
    "What is 15% of 80?",
    "Please name a tree. It may rain.",
    "N/A",
    "{{name}}",
    "<p>\x1b[31m\u202e\x00",
    "\u0130\u0130\u0130 I\u2019m sorry, but I can\u2019t",
    "\ud800",
)
TEXT = st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=5).map("\n".join)
ROWS = st.builds(
    lambda system, asked, answer: Row(
        "1", (*([Turn("system", system)] if system else []), Turn("user", asked), Turn("assistant", answer))
    ),
    TEXT,
    TEXT,
    TEXT,
)
# Each repeats the beginning of what some pattern looks for.
LONG = (
    "a", " ", "\n", "1", "(", "{", "`", "\"", "?", ". ", "- ", "$a", "<a ", "{{a", "1+1 ", "1 + ", "\\frac",
    "SELECT ", "as an ", "I am a ", "you are a ", ", as an ai", "I, as a b c ", "this answer was written by a ",
    "given a, ", "I cannot ", "act as if you were ", "imagine you are ", "you must follow all the ",
    "as a b c d e may possible ", "convert a b c 1 ", "how many 1 ", "of 1,1,1", "1. a ", "1. a\n",
    "see a b c d e f doctor ", "\u6211\u662f", "\x1b[31m", "<div><p>", "1 x 1 =", "a@b.", "+1 (", "0-0 ",
)  # fmt: skip


def detector(name: str) -> Detector:
    found: Detector = load("detector", name)
    return found


def row(answer: str, asked: str = "Go on.", system: str = "") -> Row:
    return Row("1", (*([Turn("system", system)] if system else []), Turn("user", asked), Turn("assistant", answer)))


def test_what_an_audit_needs_is_there() -> None:
    wanted = {
        "structure",
        "identity",
        "role_play",
        "refusal",
        "imperative",
        "obedience",
        "maths",
        "code",
        "list",
        "empty",
    }
    assert wanted <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_detector_says_what_it_is(name: str) -> None:
    one = detector(name)
    assert one.version
    assert one.about.endswith("?")
    assert one.limits.endswith(".")
    assert len(set(one.labels)) == len(one.labels) > 0
    assert set(one.background) <= set(one.labels)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(row=ROWS)
def test_any_row_is_answered_with_labels_and_evidence(name: str, row: Row) -> None:
    one = detector(name)
    found = one.find(Seen(row))
    assert found == one.find(Seen(row))
    labels = [each.label for each in found]
    assert len(set(labels)) == len(labels)
    assert set(labels) <= set(one.labels)
    texts = [turn.content for turn in row.turns]
    if name not in MASKED:
        assert all(any(each.evidence in text for text in [*texts, "\n".join(texts[:2])]) for each in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_without_some_turn_is_answered(name: str) -> None:
    for turns in ((), (Turn("user", "Hi"),), (Turn("assistant", "Hi"),), (Turn("assistant", "a"), Turn("user", "b"))):
        assert isinstance(detector(name).find(Seen(Row("1", turns))), tuple)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("piece", LONG)
def test_a_long_hostile_text_takes_no_long_time(name: str, piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    one = detector(name)
    one.find(Seen(row("warm up")))
    for hostile in (row(text, "convert how many total 1 python"), row("ok", text), row("ok", "x", text)):
        started = time.process_time()
        one.find(Seen(hostile))
        assert time.process_time() - started < 2


# Version and digest of what is found in the hand-labelled rows. When a digest moves, raise the detector's version.
GOLDEN = {
    "code": "1:12554a05b0c327ae",
    "empty": "1:ef98631fb6228a5a",
    "hedging": "1:426f771676ac9cdd",
    "identity": "1:daa2703f42c4703a",
    "imperative": "1:45f8488489abb44b",
    "language": "1:ffe30e93c3c2e75d",
    "list": "1:08f6d0de6cf678f8",
    "maths": "1:dcbdae171a1d0919",
    "obedience": "1:5ca43946228e1adb",
    "personal_data": "1:de494a4e55943a3a",
    "refusal": "1:c2a0ce196b3faf1e",
    "role_play": "1:0894781244a0e34a",
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_what_is_found_moves_only_with_the_version(name: str) -> None:
    one = detector(name)
    found = [[each.label for each in one.find(Seen(labelled.row))] for labelled in labelled_rows()]
    assert f"{one.version}:{digest(found)[:16]}" == GOLDEN[name]
