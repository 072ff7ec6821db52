"""Study files that come with the package: the demo, and the starting points `aftertune init` writes."""

from __future__ import annotations

from pathlib import Path

STARTS = ("organism", "file", "hub")


def demo() -> Path:
    """The study that `aftertune demo` runs."""
    return Path(__file__).parent / "demo.yaml"


def start(kind: str) -> str:
    """The text of a study to start from; `kind` is one of `STARTS`."""
    return (Path(__file__).parent / f"start_{kind}.yaml").read_text(encoding="utf-8")


def doctor() -> Path:
    """The seconds-long study that `aftertune doctor` tries every stage with."""
    return Path(__file__).parent / "doctor.yaml"
