"""The page of a data audit: what an instruction data set holds, as one HTML file without scripts.

Texts of rows stay hidden until they are opened; they are data, and may be offensive, false or private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from aftertune.report.fields import Json, mapping, number, records, words
from aftertune.report.protocol import Cell, Grid
from aftertune.report.svg import share_interval
from aftertune.report.text import NA, level_words, percent

_TEXT = 400
_QUANTILES = ("least", "5 %", "25 %", "median", "75 %", "95 %", "most")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label of a detector in the table."""

    label: str
    rows: str
    share: str
    limits: str
    strip: Markup
    precision: str
    recall: str
    ordinary: bool
    nothing: bool


@dataclass(frozen=True, slots=True)
class DetectorGroup:
    """A detector with its labels."""

    name: str
    version: str
    labels: tuple[LabelRow, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows that are hidden until asked for, under one heading: where each is, and its text."""

    heading: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AuditView:
    """Everything the page shows, as words."""

    name: str
    layout: str
    sha256: str
    n_rows: str
    n_records: str
    level: str
    groups: tuple[DetectorGroup, ...]
    lengths: Grid
    duplicates: tuple[tuple[str, str], ...]
    repeats: tuple[str, ...]
    rejected: str
    rejects: Grid
    ranking_about: str
    ranking: Shown
    affinity: tuple[tuple[str, str], ...]
    affinity_rows: Shown | None
    examples: tuple[Shown, ...]
    notes: tuple[str, ...]


def audit_view(audit: Json) -> AuditView:
    """Put a parsed `audit.json` into words; what it lacks is left out."""
    labels = records(audit, "labels")
    affinity = mapping(audit, "affinity")
    ranking = mapping(audit, "ranking")
    return AuditView(
        name=words(audit, "name"),
        layout=words(audit, "layout"),
        sha256=words(audit, "sha256"),
        n_rows=_count(audit, "n_rows"),
        n_records=_count(audit, "n_records"),
        level=level_words(number(audit, "level")),
        groups=_groups(labels),
        lengths=_lengths(records(audit, "lengths")),
        duplicates=_duplicates(mapping(audit, "duplicates")),
        repeats=_repeats(mapping(audit, "duplicates")),
        rejected=_count(audit, "rejected") if number(audit, "rejected") else "",
        rejects=_rejects(records(audit, "reject_examples")),
        ranking_about=words(ranking, "about", limit=2000),
        ranking=_shown("Rows ranked highest", ranking),
        affinity=_affinity(affinity),
        affinity_rows=_shown("Rows the model finds least likely", mapping(affinity, "ranking")) if affinity else None,
        examples=tuple(_examples(label) for label in labels if records(label, "examples")),
        notes=tuple(str(note) for note in audit.get("notes") or ()),
    )


def _groups(labels: Sequence[Json]) -> tuple[DetectorGroup, ...]:
    names = dict.fromkeys((words(label, "detector"), words(label, "version")) for label in labels)
    return tuple(
        DetectorGroup(name, version, tuple(_row(label) for label in labels if words(label, "detector") == name))
        for name, version in names
    )


def _row(label: Json) -> LabelRow:
    found = mapping(label, "found")
    share, low, high = (number(found, key) for key in ("share", "low", "high"))
    limits = f"{percent(low)} to {percent(high)}" if low is not None and high is not None else words(found, "reason")
    about = f"{words(label, 'label')}: {percent(share)}"
    return LabelRow(
        label=words(label, "label").replace("_", " "),
        rows=_count(found, "rows"),
        share="<0.1\u202f%" if share is not None and 0 < share < 0.0005 else percent(share),
        limits=limits,
        strip=share_interval(share, low, high, about),
        precision=_measured(label, "precision"),
        recall=_measured(label, "recall"),
        ordinary=label.get("background") is True,
        nothing=not number(found, "rows"),
    )


def _measured(label: Json, key: str) -> str:
    found = label.get(key)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        return NA
    value, low, high = (number({"x": part}, "x") for part in found)
    return NA if value is None else f"{value:.2f} ({_two(low)} to {_two(high)})"


def _two(value: float | None) -> str:
    return NA if value is None else f"{value:.2f}"


def _count(record: Json, key: str) -> str:
    value = number(record, key)
    return NA if value is None else f"{value:,.0f}"


def _lengths(found: Sequence[Json]) -> Grid:
    rows = []
    for length in found:
        values = [number({"x": value}, "x") for value in length.get("quantiles") or ()]
        shown = [Cell(NA if value is None else f"{value:,.0f}", numeric=True) for value in values]
        mean = number(length, "mean")
        rows.append((Cell(words(length, "unit")), Cell(NA if mean is None else f"{mean:,.1f}", numeric=True), *shown))
    return Grid(("answer length in", "mean", *_QUANTILES), tuple(rows))


def _duplicates(found: Json) -> tuple[tuple[str, str], ...]:
    near = mapping(found, "near")
    share = f" ({percent(number(near, 'share'))})" if near else ""
    return (
        ("rows equal to an earlier one", _count(found, "exact_rows")),
        ("rows with the prompt of an earlier one", _count(found, "prompt_rows")),
        ("near-duplicates of an earlier row", f"{_count(near, 'rows')}{share}"),
        ("groups of near-duplicates", _count(found, "groups")),
        ("rows in the largest group", _count(found, "largest")),
        ("a near-duplicate is", words(found, "rule")),
    )


def _repeats(found: Json) -> tuple[str, ...]:
    groups = found.get("examples")
    return tuple(", ".join(map(str, group)) for group in groups) if isinstance(groups, (list, tuple)) else ()


def _rejects(found: Sequence[Json]) -> Grid:
    rows = tuple((Cell(words(row, "where")), Cell(words(row, "reason"))) for row in found)
    return Grid(("where", "why"), rows)


def _shown(heading: str, ranking: Json) -> Shown:
    entries = (
        (f"{words(row, 'where')}, {number(row, 'score') or 0:.2f}", words(row, "text", limit=_TEXT))
        for row in records(ranking, "rows")
    )
    return Shown(heading, tuple(entries))


def _examples(label: Json) -> Shown:
    entries = ((words(row, "where"), words(row, "text", limit=_TEXT)) for row in records(label, "examples"))
    return Shown(f"{words(label, 'detector')}: {words(label, 'label').replace('_', ' ')}", tuple(entries))


def _affinity(found: Json) -> tuple[tuple[str, str], ...]:
    if not found:
        return ()
    mean, low, high = (number(found, key) for key in ("mean", "low", "high"))
    limits = f" ({_two(low)} to {_two(high)})" if low is not None else ""
    return (
        ("model", words(found, "model")),
        ("rows", _count(found, "n")),
        ("of which cut at its context", _count(found, "n_cut")),
        ("rows whose prompt alone fills it, left out", _count(found, "n_left_out")),
        ("mean negative log-likelihood per answer token, in nats", f"{_two(mean)}{limits}"),
    )
