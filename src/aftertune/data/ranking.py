"""Rank rows by how like they are to benign rows that were published as the most harmful to train on.

The order is a hypothesis about rows, not a verdict on any: He, Xia and Henderson, "What is in Your Safe Data?"
(arXiv:2404.01099), report that lists, bullets and maths stand out among the benign rows closest to harmful ones, and
DataShield (arXiv:2606.00160) that longer answers are riskier. The formula was fixed from these sentences before it was
run on the published selections, and was not changed after; docs/detectors.md shows what it is worth on them.
"""

from __future__ import annotations

from collections.abc import Mapping

from aftertune.data.detectors.base import Seen
from aftertune.data.detectors.list import item_share
from aftertune.data.detectors.maths import DETECTOR as MATHS

LONG = 400  # words at which an answer counts as long and no longer adds to the score
WEIGHTS = {"listed": 1.0, "maths": 1.0, "length": 0.25}
RISK_ABOUT = (
    "Rows whose answers are lists, mathematical tasks, or long come first (He et al. 2024, arXiv:2404.01099; "
    "arXiv:2606.00160). A hypothesis about rows to look at, not a verdict: how well this order agrees with the "
    "published selections is in docs/detectors.md."
)


def features(seen: Seen) -> dict[str, float]:
    """What the score is made of, each from 0 to 1.

    `listed` is the share of the answer's lines that are list items, `maths` is 1 for a mathematical task, and `length`
    is the answer's words out of 400, at most 1.

    >>> from aftertune.records import Row, Turn
    >>> row = Row("1", (Turn("user", "Name trees."), Turn("assistant", "- Oak\\n- Ash")))
    >>> features(Seen(row))
    {'listed': 1.0, 'maths': 0.0, 'length': 0.01}
    """
    return {
        "listed": item_share(seen),
        "maths": float(bool(MATHS.find(seen))),
        "length": min(len(seen.said.split()) / LONG, 1.0),
    }


def risk(found: Mapping[str, float]) -> float:
    """The score: listed + maths + length / 4.

    Length is weighted so that it settles the order among rows that are alike in the other two.

    >>> risk({"listed": 1.0, "maths": 0.0, "length": 0.2})
    1.05
    """
    return sum(weight * found[name] for name, weight in WEIGHTS.items())
