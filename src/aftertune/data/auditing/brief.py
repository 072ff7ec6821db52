"""What a training set holds, in short: how many rows each detector found something in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aftertune.data.auditing.tally import detectors, draw_of
from aftertune.data.detectors.base import Seen
from aftertune.records import Row

MOST = 20_000  # rows looked at; more are sampled, for a second per ten thousand is long enough


def brief(rows: Sequence[Row]) -> dict[str, Any]:
    """Count the rows with each label of each detector, in rows drawn at random where there are very many.

    Returns:
        `n` rows looked at; `found`, detector to label to rows, without labels found nowhere; `versions` of the
        detectors; `ordinary`, the labels that are no finding.

    >>> from aftertune.records import Turn
    >>> row = Row("1", (Turn("user", "Tea?"), Turn("assistant", "1. Boil water.\\n2. Add tea.")))
    >>> brief([row])["found"]["structure"]
    {'numbered_list': 1}
    """
    places = range(len(rows))
    taken = places if len(rows) <= MOST else sorted(sorted(places, key=draw_of)[:MOST])
    counts = Counter[tuple[str, str]]()
    for place in taken:
        seen = Seen(rows[place])
        counts.update((name, found.label) for name, detector in detectors() for found in detector.find(seen))
    found: dict[str, dict[str, int]] = {}
    for name, detector in detectors():
        found[name] = {label: counts[name, label] for label in detector.labels if counts[name, label]}
    return {
        "n": len(taken),
        "found": {name: labels for name, labels in found.items() if labels},
        "versions": {name: detector.version for name, detector in detectors()},
        "ordinary": {name: list(detector.background) for name, detector in detectors() if detector.background},
    }
