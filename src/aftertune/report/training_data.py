"""What each arm's training set holds: whether the transforms did what they were meant to, and what else differs."""

from __future__ import annotations

from collections.abc import Sequence

from aftertune.report.fields import Json, mapping, number, records, words
from aftertune.report.protocol import Cell, Grid
from aftertune.report.text import NA, percent

_LEAST = 0.005  # labels rarer than this in every arm are left out


def training_data_view(lock: Json) -> Grid:
    """A label per row and an arm per column, from the lock file; without rows where it does not say.

    Labels that are the ordinary case are left out, and so are those that hardly any row of any arm has.
    """
    sets = [one for one in records(lock, "training_sets") if number(one, "n")]
    if not sets:
        return Grid((), ())
    rounds = len({number(one, "round") for one in sets}) > 1
    heads = [words(one, "arm") + (f", round {words(one, 'round')}" if rounds else "") for one in sets]
    sizes = tuple(Cell(f"{number(one, 'rows') or 0:,.0f}", numeric=True) for one in sets)
    rows = [(Cell("rows"), *sizes)]
    for detector, label in _labels(sets):
        shares = [_share(one, detector, label) for one in sets]
        if max(shares) >= _LEAST:
            name = f"{detector}: {label}".replace("_", " ")
            rows.append((Cell(name), *(Cell(percent(share) if share else "0", numeric=True) for share in shares)))
    return Grid(("what", *(head or NA for head in heads)), tuple(rows))


def _labels(sets: Sequence[Json]) -> list[tuple[str, str]]:
    """Every label that some arm has and that is no ordinary case, detector by detector."""
    found: dict[tuple[str, str], None] = {}
    for one in sets:
        ordinary = mapping(one, "ordinary")
        for detector, labels in mapping(one, "found").items():
            usual = ordinary.get(detector) or ()
            found.update({(str(detector), str(label)): None for label in labels if label not in usual})
    detectors = dict.fromkeys(detector for detector, _ in found)
    return [key for detector in sorted(detectors) for key in found if key[0] == detector]


def _share(one: Json, detector: str, label: str) -> float:
    return (number(mapping(mapping(one, "found"), detector), label) or 0.0) / (number(one, "n") or 1.0)
