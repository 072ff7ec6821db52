"""Light edits keep a prompt readable and never touch numbers, code or other signs."""

from __future__ import annotations

import re
import time
from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.generate.light_edits import EDITS, case, punctuation, typos, whitespace

PROMPT = (
    "Please explain, in 3 steps, how I could install Python 3.11 with `pip install numpy`, and why it matters?\n"
    "```\nfor word in sentence: print(word)\n```\n    indented = code_line\nSee https://example.org/page for details."
)
FIXED = (
    "3",
    "3.11",
    "`pip install numpy`",
    "```\nfor word in sentence: print(word)\n```",
    "    indented = code_line",
    "https://example.org/page",
)


def many(edit, text, n=50):
    return [EDITS[edit](text, np.random.default_rng(seed)) for seed in range(n)]


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_numbers_code_and_links_stay(edit):
    for changed in many(edit, PROMPT):
        assert changed != PROMPT
        assert [part for part in FIXED if part not in changed] == []
        assert re.findall(r"\d+", changed) == re.findall(r"\d+", PROMPT)


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_changes_are_small(edit):
    for changed in many(edit, PROMPT):
        ratio = SequenceMatcher(None, PROMPT.lower(), changed.lower(), autojunk=False).ratio()
        assert ratio > 0.95


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_an_edit_is_the_same_for_the_same_generator(edit):
    assert many(edit, PROMPT) == many(edit, PROMPT)
    assert len(set(many(edit, PROMPT))) > 1


def test_case_changes_letters_only():
    assert set(many("case", "make a cup of tea")) == {"MAKE A CUP OF TEA", "Make A Cup Of Tea"}
    assert all(changed.lower() == PROMPT.lower() for changed in many("case", PROMPT))


def test_whitespace_changes_spaces_only():
    assert all(changed.split() == PROMPT.split() for changed in many("whitespace", PROMPT))


def test_punctuation_changes_marks_only():
    letters = [re.sub(r"[,.?!]", "", changed) for changed in many("punctuation", PROMPT)]
    assert set(letters) == {re.sub(r"[,.?!]", "", PROMPT)}
    assert set(many("punctuation", "Make tea")) == {"Make tea.", "Make tea?"}
    assert set(many("punctuation", "Is it?")) == {"Is it", "Is it??"}


def test_typos_keep_first_and_last_letters_and_leave_names_in_capitals():
    for changed in many("typos", "Please explain NATO membership slowly"):
        for before, after in zip(["Please", "explain", "NATO", "membership", "slowly"], changed.split(), strict=True):
            assert (before[0], before[-1]) == (after[0], after[-1])
            assert abs(len(before) - len(after)) <= 1
        assert "NATO" in changed


def test_typos_touch_one_word_in_ten():
    text = " ".join(["sentence"] * 2000)
    changed = sum(word != "sentence" for word in typos(text, np.random.default_rng(0)).split())
    assert 140 < changed < 260


@pytest.mark.parametrize("edit", sorted(EDITS))
@pytest.mark.parametrize("text", ["", "   ", "12 + 7 = ?", "x_1", "日本語です", "`a`", "```", "\n\n"])
def test_what_has_no_words_stays(edit, text):
    assert set(many(edit, text, 5)) == {text}


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.integers(0, 2**32))
def test_any_text_is_taken_and_digits_stay(text, seed):
    for edit in (case, punctuation, whitespace, typos):
        changed = edit(text, np.random.default_rng(seed))
        assert [c for c in changed if c.isdigit()] == [c for c in text if c.isdigit()]


HARD = {
    "one word": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "backticks": "`a " * 333_333,
    "fences": "``` a " * 166_666,
    "quotes": "'-" * 500_000,
    "hyphens": "a-" * 500_000,
    "words": "sentence, " * 100_000,
    "lines": "\t\n" * 500_000,
}


@pytest.mark.parametrize("name", sorted(HARD))
def test_a_megabyte_takes_seconds_at_most(name):
    for edit in EDITS.values():
        start = time.perf_counter()
        edit(HARD[name], np.random.default_rng(0))
        assert time.perf_counter() - start < 2
