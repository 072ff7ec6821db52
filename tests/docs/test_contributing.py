"""CONTRIBUTING.md names the Makefile's targets and the source tree as they are."""

from __future__ import annotations

import re

from docs.pages import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_target_is_there_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert set(re.findall(r"\| `make ([a-z]+)` \|", TEXT)) == targets


def test_every_folder_of_the_package_is_there() -> None:
    package = ROOT / "src" / "aftertune"
    folders = [path.name for path in package.iterdir() if path.is_dir() and any(path.glob("*.py"))]
    tree = TEXT.partition("```text")[2].partition("```")[0]
    assert [name for name in sorted(folders) if not re.search(rf"\b{name}/", tree)] == []
    assert [name for name in re.findall(r"\b(\w+)\.py", tree) if not list(package.rglob(f"{name}.py"))] == []
