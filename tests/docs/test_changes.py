"""The change fragments have names that a release can sort, and something to say."""

from __future__ import annotations

import re

import pytest

from docs.pages import ROOT

KINDS = ("added", "changed", "fixed", "removed", "numbers")
FRAGMENTS = sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_named_and_short(path) -> None:
    assert re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md", path.name)
    text = path.read_text(encoding="utf-8").strip()
    assert 30 < len(text) < 1500
    assert text.endswith(".")


def test_the_kinds_are_explained() -> None:
    text = (ROOT / "changes" / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"- `{kind}`:" not in text] == []


def test_the_changelog_points_to_the_fragments() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in text
    assert "(changes/README.md)" in text
