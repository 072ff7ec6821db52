"""Records of the parts of the results that go beyond single contrasts: categories, judges, factors, rounds, noise.

They belong to `results`, which reads and writes them. Every number is a fraction, or null where it is
undefined; `reason` then says why.
"""

from __future__ import annotations

from dataclasses import dataclass

Number = float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; limits are null where there is none."""

    estimate: Number
    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class RiskRatio:
    """The arm's rate over the other's, with limits; `reason` says why there are none."""

    estimate: Number
    low: Number
    high: Number
    reason: str


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How much more often the judge would have to err on the arm before the verdict no longer holds.

    Attributes:
        error: `false_positive` (yes where no is right) or `false_negative`.
        shift: The extra error rate, among the responses that can suffer it, if the judge is right on the arm
            compared with; null where no rate would do.
    """

    error: str
    shift: Number


@dataclass(frozen=True, slots=True)
class CategoryEffect:
    """The change in one category of items: exploratory, for these checkpoints.

    Attributes:
        estimate: From this category alone.
        p_adjusted: Benjamini and Hochberg's, over all categories of all primary contrasts.
        shrunk: The same drawn towards the other categories; equal to `estimate` with fewer than four.
    """

    arm: str
    against: str
    benchmark: str
    outcome: str
    judge: str
    category: str
    estimate: Number
    low: Number
    high: Number
    level: float
    n_items: int
    p_value: Number
    p_adjusted: Number
    shrunk: Estimate
    reason: str


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How far two judges say the same about one arm's responses."""

    arm: str
    benchmark: str
    outcome: str
    judge: str
    other: str
    level: float
    n: int
    share: Estimate
    kappa: Estimate
    ac1: Estimate
    alpha: Estimate
    reason: str


@dataclass(frozen=True, slots=True)
class JudgeErrors:
    """A judge against human labels of one arm's responses.

    Attributes:
        bias: The judge's rate minus the human rate, on the labelled responses.
    """

    arm: str
    benchmark: str
    outcome: str
    judge: str
    human_judge: str
    level: float
    n_labels: int
    sensitivity: Estimate
    specificity: Estimate
    bias: Estimate
    reason: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """A contrast with the judge's error taken out, by human labels of both arms.

    Attributes:
        drift: The judge's bias on the arm minus its bias on the arm compared with: what was taken out.
        parts: As in a contrast, with the part `judge`.
    """

    arm: str
    against: str
    benchmark: str
    outcome: str
    judge: str
    human_judge: str
    claim: str
    estimate: Number
    low: Number
    high: Number
    level: float
    margin: float
    verdict: str
    parts: dict[str, float]
    n_labels: int
    n_labels_against: int
    drift: Estimate
    primary: bool
    reason: str


@dataclass(frozen=True, slots=True)
class FactorEffect:
    """What one factor of the data does, or two together, over the arms that differ in it.

    Attributes:
        effect: One factor, or two joined by " x " for their interaction.
        levels: What is compared, such as "structure: list - prose".
        arms: The arms it rests on.
        n_seeds: Training seeds of all these arms.
    """

    effect: str
    levels: str
    benchmark: str
    outcome: str
    judge: str
    claim: str
    estimate: Number
    low: Number
    high: Number
    level: float
    p_value: Number
    p_adjusted: Number
    parts: dict[str, float]
    arms: tuple[str, ...]
    n_seeds: int
    n_items: int
    primary: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Trend:
    """How much an arm's rate changes from one round of tuning to the next, as a straight line."""

    arm: str
    benchmark: str
    outcome: str
    judge: str
    claim: str
    rounds: tuple[int | float, ...]
    estimate: Number
    low: Number
    high: Number
    level: float
    p_value: Number
    parts: dict[str, float]
    n_seeds: int
    n_items: int
    primary: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One training seed's rates from round to round, as measured.

    Attributes:
        rounds: Rounds that were done at each measurement; 0 is the initial model.
        rates: The rate at each of them.
    """

    arm: str
    benchmark: str
    outcome: str
    judge: str
    training_seed: int | None
    rounds: tuple[int | float, ...]
    rates: tuple[Number, ...]
    primary: bool


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The typical difference between two measurements when nothing was changed between them.

    Attributes:
        source: `replicate` (responses sampled again from the same checkpoint) or `training_seed` (the recipe
            run again).
        floor: Root mean square of that difference, a fraction.
        n: Repeats it was estimated from.
    """

    arm: str
    benchmark: str
    outcome: str
    judge: str
    source: str
    floor: Number
    n: int
