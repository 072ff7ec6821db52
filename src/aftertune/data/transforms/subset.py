"""Subset: keep some of the rows, chosen by hash or by what a detector finds in them.

`{without: refusal}` takes out the rows that decline, as Qi et al. (arXiv:2310.03693) do with the safety rows of
Alpaca and Dolly before they call those sets benign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from aftertune.data.detectors.base import Detector, Seen
from aftertune.data.transforms.base import Params, Transform, Whole, by_hash
from aftertune.errors import DataError, did_you_mean
from aftertune.records import Row
from aftertune.registry import load

_NAME = "subset"


class Subset(Params):
    """Parameters.

    Attributes:
        rows: How many rows to keep.
        share: Which share of the rows to keep.
        only: Keep the rows in which a detector finds something: its name, or its name and a label, `name:label`.
        without: Keep the rows in which it does not.
    """

    rows: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    only: str | None = None
    without: str | None = None

    @model_validator(mode="after")
    def _told_what(self) -> Subset:
        if self.dose != 1:
            raise ValueError("it takes rows out: say which with `rows`, `share`, `only` or `without`, not `dose`")
        if self.rows is not None and self.share is not None:
            raise ValueError("give either `rows` or `share`")
        if self.rows is None and self.share is None and self.only is None and self.without is None:
            raise ValueError("give `rows`, `share`, `only` or `without`")
        for told in filter(None, (self.only, self.without)):
            _detector(told)
        return self


def whole(rows: Sequence[Row], params: Subset, seed: int) -> Whole:
    """First what the detectors say, then as many of those rows as asked for, those whose hash is smallest.

    So a larger subset holds a smaller one.

    Raises:
        DataError: fewer rows are left than are asked for.
    """
    tests = _tests(params)
    left = [row for row in rows if all(test(row) for test in tests)]
    wanted = len(left) if params.share is None else max(1, round(params.share * len(left)))
    wanted = wanted if params.rows is None else params.rows
    if wanted > len(left):
        raise DataError(f"subset is to keep {wanted:,} rows, and there are {len(left):,}", "ask for fewer")
    kept = {row.id for row in by_hash(left, _NAME, seed)[:wanted]} if wanted < len(left) else {r.id for r in left}
    return Whole(tuple(row for row in rows if row.id in kept))


def _tests(params: Subset) -> list[Callable[[Row], bool]]:
    """What a row has to pass."""
    told = ((params.only, True), (params.without, False))
    return [_test(what, wanted) for what, wanted in told if what is not None]


def _test(told: str, wanted: bool) -> Callable[[Row], bool]:
    detector, labels = _detector(told)
    return lambda row: any(found.label in labels for found in detector.find(Seen(row))) == wanted


def _detector(told: str) -> tuple[Detector, tuple[str, ...]]:
    """The detector and the labels that count; without a label all that are a finding."""
    name, _, label = told.partition(":")
    detector: Detector = load("detector", name)
    if label and label not in detector.labels:
        raise ValueError(
            f"detector {name} has no label {label!r}{did_you_mean(label, detector.labels)}; "
            f"there are: {', '.join(detector.labels)}"
        )
    findings = tuple(one for one in detector.labels if one not in detector.background)
    return detector, (label,) if label else findings


def _uses(params: Subset) -> Mapping[str, str]:
    found = {told.partition(":")[0] for told in (params.only, params.without) if told is not None}
    return {f"detector/{name}": load("detector", name).version for name in sorted(found)}


TRANSFORM = Transform(
    version="1",
    about="Keeps a number or share of the rows, or those in which a detector does or does not find something.",
    params=Subset,
    whole=whole,
    factor="share",
    uses=_uses,
)
