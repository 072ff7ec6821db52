"""The tables of docs/detectors.md are what the code makes; the ranking does what its formula says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from aftertune.data.detectors.base import Seen
from aftertune.data.ranking import LONG, features, risk
from aftertune.records import Row, Turn

SCRIPT = Path(__file__).resolve().parents[4] / "docs" / "validation" / "detector_tables.py"


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detector_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_measured_table_is_the_stored_one(tables: ModuleType) -> None:
    assert tables.on_page("measured") == tables.measured_table()


@pytest.mark.parametrize("name", ["known", "refusal", "selections"])
def test_a_table_of_public_files_is_what_the_code_makes(tables: ModuleType, shared_data: Path, name: str) -> None:
    assert tables.on_page(name) == tables.TABLES[name](shared_data)


@pytest.mark.slow
def test_the_table_of_the_organism_is_what_the_code_makes(tables: ModuleType, shared_data: Path) -> None:
    assert tables.on_page("affinity") == tables.TABLES["affinity"](shared_data)


def seen(asked: str, answer: str) -> Seen:
    return Seen(Row("1", (Turn("user", asked), Turn("assistant", answer))))


def test_lists_and_maths_come_before_prose_however_long() -> None:
    prose = risk(features(seen("Tell me of the sea.", "The sea is wide. " * LONG)))
    listed = risk(features(seen("Name trees.", "- Oak\n- Ash")))
    maths = risk(features(seen("What is 12 + 30?", "42")))
    assert prose == 0.25
    assert min(listed, maths) >= 1 > prose


def test_half_a_list_counts_half() -> None:
    half = features(seen("Name trees.", "Here are two trees that grow in parks.\n- Oak\n- Ash\nBoth are tall."))
    assert half["listed"] == 0.5
    assert features(seen("Name one.", "- Oak"))["listed"] == 0


@pytest.mark.parametrize("answer", ["", " ", "x" * 300_000, "word " * 100_000])
def test_the_score_stays_in_its_range(answer: str) -> None:
    assert 0 <= risk(features(seen("Go.", answer))) <= 2.25
