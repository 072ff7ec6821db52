"""What changed, for reading: whatever the texts are, the diff is short, safe and quick."""

from __future__ import annotations

import time

import pytest

from aftertune.data.build import Difference
from aftertune.data.difference import diff_text, visible
from aftertune.records import Turn


def changed(before: str, after: str, id_: str = "7") -> Difference:
    asked = Turn("user", "Ask")
    return Difference(id_, (asked, Turn("assistant", before)), (asked, Turn("assistant", after)))


def test_only_turns_that_changed_are_shown_with_their_place() -> None:
    text = diff_text([changed("one\ntwo\nthree\nfour\nfive\nsix", "one\ntwo\nthree\nfour\nfive\n6")], {"7": "line 12"})
    assert text == (
        "=== row 7, line 12: changed\n--- assistant\n+++ assistant\n@@ -4,3 +4,3 @@\n four\n five\n-six\n+6\n"
    )


def test_added_and_removed_rows_and_turns() -> None:
    row = (Turn("user", "a"), Turn("assistant", "b"))
    led = (Turn("system", "s"), *row)
    text = diff_text([Difference("1", row, led), Difference("2", row, ()), Difference("3", (), row)], {"2": "row 2"})
    assert "=== row 1: changed\n--- nothing\n+++ system\n@@ -0,0 +1 @@\n+s\n=== row 2: taken out\n" in text
    assert "=== row 3: added\n--- nothing\n+++ user\n@@ -0,0 +1 @@\n+a\n" in text


def test_many_rows_are_counted() -> None:
    rows = [changed("a", "b", str(n)) for n in range(30)]
    text = diff_text(rows, {}, n_rows=10)
    assert text.count(": changed\n") == 10
    assert text.endswith("=== and 20 more rows\n")
    assert diff_text([], {}) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * 1_000_000, "y" * 1_000_000),
        ("a\n" * 500_000, "b\n" * 500_000),
        ("".join(f"{n % 7}\n" for n in range(300_000)), "".join(f"{n % 5}\n" for n in range(300_000))),
        ("\x1b" * 1_000_000, ""),
    ],
)
def test_long_texts_are_cut_and_quick(before: str, after: str) -> None:
    started = time.monotonic()
    text = diff_text([changed(before, after)], {})
    assert time.monotonic() - started < 2
    assert len(text) < 60_000
    assert "more characters" in text


def test_control_characters_are_visible() -> None:
    text = diff_text([changed("a", "\x1b[31mb\r\x00\u202e\u2028", "\x1b]0;")], {})
    assert not [one for one in text if not one.isprintable() and one != "\n"]
    assert r"+\x1b[31mb\r\x00\u202e\u2028" in text
    assert visible("a\tb ü 日本") == "a\tb ü 日本"
