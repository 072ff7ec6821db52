"""A simulated study with known truth: a table of judgments whose real changes are known exactly.

Outcomes are drawn from a crossed logistic model: items, training seeds, prompt formats and their
interactions, all normal on the logit scale. The truth is computed, not simulated, so no noise sits in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from aftertune.seeds import generator

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """Standard deviations on the logit scale.

    The defaults are those of the design simulation: a between-seed SD of about 3 points at a rate of 25 %.

    Attributes:
        item: Between items, shared by all arms.
        item_arm: Item's own reaction to an arm.
        seed: Between training seeds.
        item_seed: Item x training seed.
        prompt_format: Between prompt formats.
        format_arm: Format's own reaction to an arm.
        item_format: Item x format, shared by all arms.
        seed_format: Training seed x format.
        cluster: Between clusters of items, shared by all arms.
        cluster_arm: Cluster's own reaction to an arm.
    """

    item: float = 2.2
    item_arm: float = 1.2
    seed: float = 0.3
    item_seed: float = 1.0
    prompt_format: float = 0.5
    format_arm: float = 0.3
    item_format: float = 0.8
    seed_format: float = 0.15
    cluster: float = 0.0
    cluster_arm: float = 0.0

    @property
    def shared_variance(self) -> float:
        """Variance around a format's mean before tuning."""
        return self.item**2 + self.item_format**2 + self.cluster**2

    @property
    def tuned_variance(self) -> float:
        """The same for a tuned arm."""
        own = self.item_arm**2 + self.seed**2 + self.item_seed**2 + self.seed_format**2 + self.cluster_arm**2
        return self.shared_variance + own


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated study.

    Attributes:
        table: As `aftertune.table.check_table` returns it.
        changes: Arm to the true mean change of its rate over seeds and items, formats as drawn.
        base_rate: The initial model's true rate.
    """

    table: pl.DataFrame
    changes: dict[str, float]
    base_rate: float


@dataclass(frozen=True, slots=True)
class Draw:
    """Outcomes as arrays, 0 or 1: the initial model's and one tuned arm's, with replicates on the last
    axis."""

    initial_FIR: Array
    tuned_SFIR: Array


def simulate(
    *,
    seed: int,
    changes: Mapping[str, float] | None = None,
    n_items: int = 100,
    n_seeds: int = 5,
    n_formats: int = 1,
    n_replicates: int = 1,
    base_rate: float = 0.25,
    effects: Effects | None = None,
    cluster_size: int = 1,
    missing: float = 0.0,
    benchmark: str = "simulated",
    outcome: str = "harmful",
    judge: str = "simulated_judge",
) -> Simulated:
    """Draw a whole study with a known truth.

    Args:
        seed: Names the random stream; the same seed gives the same table.
        changes: Arm to its true change, a fraction; by default one arm `tuned` with +0.05. Arms share items
            and the initial model, and have training seeds of their own.
        n_items: Items.
        n_seeds: Training seeds per arm.
        n_formats: Prompt formats.
        n_replicates: Responses per cell.
        base_rate: The initial model's true rate, in (0, 1).
        effects: Standard deviations on the logit scale.
        cluster_size: Items per cluster; 1 leaves the column empty.
        missing: Share of judgments that abstain, at random.
        benchmark: Name in the table.
        outcome: Name in the table.
        judge: Name in the table.

    Returns:
        The table with its truth.

    Raises:
        ValueError: a rate after the change would leave (0, 1).

    >>> study = simulate(seed=1, changes={"listed": 0.1}, n_items=10, n_seeds=3)
    >>> study.table.height, study.changes
    (40, {'listed': 0.1})
    """
    wanted = dict(changes if changes is not None else {"tuned": 0.05})
    model = Model.drawn(generator(seed, "formats"), effects or Effects(), base_rate, n_formats)
    item_rng = generator(seed, "items")
    eta_FI, cluster_I = model.items(item_rng, n_items, cluster_size)
    arms: dict[str, Array] = {}
    for arm, change in wanted.items():
        rng = generator(seed, "arm", arm)
        arms[arm] = _responses(rng, model.tuned(rng, eta_FI, cluster_I, change, n_seeds), n_replicates)
    initial = _responses(generator(seed, "arm", "initial"), eta_FI[None], n_replicates)
    frame = _frame({"initial": initial, **arms}, cluster_I if cluster_size > 1 else None)
    table = _finished(frame, generator(seed, "missing"), missing, benchmark, outcome, judge)
    return Simulated(table, wanted, base_rate)


def draw(
    rng: np.random.Generator,
    *,
    change: float,
    n_items: int,
    n_seeds: int,
    n_formats: int = 1,
    n_replicates: int = 1,
    n_initial_replicates: int | None = None,
    base_rate: float = 0.25,
    effects: Effects | None = None,
    cluster_size: int = 1,
) -> Draw:
    """Draw the same model as arrays, one tuned arm, for coverage studies.

    Args:
        rng: The generator to draw with.
        change: The true change, a fraction.
        n_items: Items.
        n_seeds: Training seeds.
        n_formats: Prompt formats.
        n_replicates: Responses per cell of the tuned arm.
        n_initial_replicates: The same for the initial model; by default as many as for the tuned arm.
        base_rate: The initial model's true rate.
        effects: Standard deviations on the logit scale.
        cluster_size: Items per cluster, in order.

    Returns:
        0/1 arrays; their means estimate the base rate and base rate plus change.
    """
    model = Model.drawn(rng, effects or Effects(), base_rate, n_formats)
    eta_FI, cluster_I = model.items(rng, n_items, cluster_size)
    tuned = _responses(rng, model.tuned(rng, eta_FI, cluster_I, change, n_seeds), n_replicates)
    initial = _responses(rng, eta_FI[None], n_initial_replicates or n_replicates)
    return Draw(initial[0], tuned)


@dataclass(frozen=True, slots=True)
class Model:
    """The logistic model with its formats drawn."""

    effects: Effects
    base_rate: float
    format_F: Array
    format_arm_F: Array
    intercept: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, effects: Effects, base_rate: float, n_formats: int) -> Model:
        """Draw the fixed formats and solve the intercept for the base rate."""
        format_F = rng.normal(0, effects.prompt_format, n_formats)
        format_arm_F = rng.normal(0, effects.format_arm, n_formats)
        intercept = solve_intercept(format_F, effects.shared_variance, base_rate)
        return cls(effects, base_rate, format_F, format_arm_F, intercept)

    def items(self, rng: np.random.Generator, n_items: int, cluster_size: int) -> tuple[Array, NDArray[np.int64]]:
        """Linear predictor of the initial model per format and item, and each item's cluster."""
        e, n_formats = self.effects, len(self.format_F)
        cluster_I = np.arange(n_items) // cluster_size
        cluster = rng.normal(0, e.cluster, cluster_I[-1] + 1)[cluster_I]
        own_I = rng.normal(0, e.item, n_items) + cluster
        own_FI = rng.normal(0, e.item_format, (n_formats, n_items))
        return self.intercept + self.format_F[:, None] + own_I + own_FI, cluster_I

    def tuned(
        self,
        rng: np.random.Generator,
        eta_FI: Array,
        cluster_I: NDArray[np.int64],
        change: float,
        n_seeds: int,
    ) -> Array:
        """Linear predictor of an arm per training seed, format and item."""
        e, (n_formats, n_items) = self.effects, eta_FI.shape
        target = self.base_rate + change
        if not 0 < target < 1:
            raise ValueError(f"base rate {self.base_rate} with change {change} leaves (0, 1)")
        shift_F = self.format_F + self.format_arm_F
        shift = solve_intercept(shift_F, e.tuned_variance, target) - self.intercept
        own_I = rng.normal(0, e.item_arm, n_items)
        own_I += rng.normal(0, e.cluster_arm, cluster_I[-1] + 1)[cluster_I]
        own_S = rng.normal(0, e.seed, n_seeds)
        own_SI = rng.normal(0, e.item_seed, (n_seeds, n_items)) + own_S[:, None]
        own_SF = rng.normal(0, e.seed_format, (n_seeds, n_formats))
        fixed_FI = eta_FI + shift + self.format_arm_F[:, None] + own_I
        return np.asarray(fixed_FI + own_SI[:, None, :] + own_SF[:, :, None])


def mean_expit(mean: Array | float, variance: float) -> Array:
    """The mean of expit over a normal, by Gauss-Hermite quadrature with 81 nodes.

    >>> float(mean_expit(0.0, 4.0).round(12))
    0.5
    """
    centre = np.asarray(mean, dtype=float)[..., None]
    return np.asarray((expit(centre + np.sqrt(variance) * _NODES) * _WEIGHTS).sum(axis=-1))


def solve_intercept(format_F: Array, variance: float, target: float) -> float:
    """The intercept at which the mean rate over formats is `target`.

    >>> round(solve_intercept(np.zeros(1), 0.0, 0.9), 3)
    2.197
    """
    return float(brentq(lambda x: float(mean_expit(x + format_F, variance).mean()) - target, -60.0, 60.0))


_NODES, _RAW = np.polynomial.hermite_e.hermegauss(81)
_WEIGHTS = _RAW / _RAW.sum()


def _responses(rng: np.random.Generator, eta_SFI: Array, n_replicates: int) -> Array:
    chance_SFI = expit(eta_SFI)[..., None]
    return np.asarray(rng.random((*eta_SFI.shape, n_replicates)) < chance_SFI, dtype=np.float64)


def _frame(arms: Mapping[str, Array], cluster_I: NDArray[np.int64] | None) -> pl.DataFrame:
    import polars as pl

    parts = []
    for arm, y_SFIR in arms.items():
        s, f, i, r = (axis.ravel() for axis in np.indices(y_SFIR.shape))
        parts.append(
            pl.DataFrame(
                {
                    "arm": [arm] * y_SFIR.size,
                    "training_seed": pl.Series([None] * y_SFIR.size if arm == "initial" else s, dtype=pl.Int64),
                    "item": [f"item_{place:04d}" for place in i],
                    "cluster": [""] * len(i) if cluster_I is None else [f"cluster_{c:04d}" for c in cluster_I[i]],
                    "prompt_format": [f"format_{place}" for place in f],
                    "replicate": r,
                    "value": y_SFIR.ravel(),
                }
            )
        )
    return pl.concat(parts)


def _finished(
    frame: pl.DataFrame, rng: np.random.Generator, missing: float, benchmark: str, outcome: str, judge: str
) -> pl.DataFrame:
    import polars as pl

    from aftertune.table import check_table

    gone = pl.Series(rng.random(frame.height) < missing)
    return check_table(
        frame.with_columns(
            value=pl.when(gone).then(None).otherwise(pl.col("value")),
            status=pl.when(gone).then(pl.lit("abstained")).otherwise(pl.lit("ok")),
            benchmark=pl.lit(benchmark),
            outcome=pl.lit(outcome),
            judge=pl.lit(judge),
        )
    )
