"""The validation pages are complete, rest on enough studies, and say that the targets are met."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "validation"
PAGES = re.findall(r'^ {4}"(\w+)": \w+\.\w+_page,$', (FOLDER / "run.py").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_script_and_the_folder_have_the_same_pages() -> None:
    assert sorted(PAGES) == sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "index")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_linked_and_rests_on_enough_studies(name: str) -> None:
    assert f"({name}.md)" in (FOLDER / "index.md").read_text(encoding="utf-8")
    made = f"Made by `python docs/validation/run.py {name} 3000`: 3000 studies per cell."
    assert made in (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_the_targets_are_met() -> None:
    assert "**All 18 cells meet the target.**" in (FOLDER / "recipe_effect.md").read_text(encoding="utf-8")
    assert "**The target is met**" in (FOLDER / "verdict.md").read_text(encoding="utf-8")


def test_every_module_of_estimators_is_named_with_its_check() -> None:
    text = (FOLDER.parent / "statistics.md").read_text(encoding="utf-8")
    machinery = {"__init__", "arm", "quantiles", "rates", "sentences"}
    modules = {path.stem for path in (FOLDER.parents[1] / "src" / "aftertune" / "stats").glob("*.py")} - machinery
    assert [name for name in sorted(modules) if f"stats/{name}.py" not in text and f"stats.{name}" not in text] == []
