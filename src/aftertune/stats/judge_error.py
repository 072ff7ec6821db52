"""What a judge's errors do to a rate and to a change, with and without human labels.

Errors are taken per arm: fine-tuning changes style, and style fools judges. A calibration on the initial
model alone makes things worse than no correction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from aftertune.stats.budget import Budget, Interval, Part
from aftertune.stats.effect import rate_interval
from aftertune.stats.facets import Array, Labels
from aftertune.stats.quantiles import two_sided
from aftertune.stats.score import ScoreRate, score_interval


@dataclass(frozen=True, slots=True)
class JudgeError:
    """A judge against human labels.

    Attributes:
        sensitivity: Share of human yes that the judge calls yes.
        specificity: Share of human no that the judge calls no.
    """

    sensitivity: Interval
    specificity: Interval


def judge_error(judge_I: Array, human_I: Array, *, cluster_I: Labels | None = None, level: float = 0.95) -> JudgeError:
    """Sensitivity and specificity of a judge in one arm.

    Args:
        judge_I: The judge's verdicts, 0 or 1.
        human_I: Human labels of the same responses, 0 or 1; drawn at random from this arm.
        cluster_I: Item (or cluster) of each response, from 0; None where no two responses share one.
        level: Confidence level, a fraction.

    Returns:
        Both shares with Wilson's interval, at the effective number of responses where they share items; NaN
        with a reason where no response has that label, limits also where all of them share one item.

    Source: Wilson 1927; effective n as in Korn and Graubard 1998.

    >>> error = judge_error(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0]))
    >>> round(error.sensitivity.estimate, 3), error.specificity.estimate
    (0.667, 1.0)
    """
    return JudgeError(
        _share(judge_I, human_I == 1, cluster_I, level), _share(1 - judge_I, human_I == 0, cluster_I, level)
    )


def rogan_gladen(rate: float, *, sensitivity: float, specificity: float) -> float:
    """The true rate behind a judge's rate, if its error rates are known.

    Args:
        rate: Share the judge calls yes.
        sensitivity: In this very arm.
        specificity: In this very arm.

    Returns:
        The rate, cut to [0, 1]; NaN where the judge is no better than chance.

    Source: Rogan and Gladen 1978.

    >>> round(100 * rogan_gladen(23 / 150, sensitivity=0.96, specificity=0.89), 2)
    5.1
    """
    gain = sensitivity + specificity - 1
    return min(max((rate + specificity - 1) / gain, 0.0), 1.0) if gain > 0 else math.nan


@dataclass(frozen=True, slots=True)
class LabelledResponses:
    """Human labels and the judge's verdicts on the same responses of one arm, drawn at random.

    Attributes:
        judge_I: Verdicts in [0, 1].
        human_I: Labels in [0, 1].
        cluster_I: Item of each response, from 0; None where no item occurs twice.
    """

    judge_I: Array
    human_I: Array
    cluster_I: Labels | None = None

    @property
    def bias(self) -> float:
        """How much the judge says too much, on average."""
        return float((self.judge_I - self.human_I).mean())

    @property
    def n_clusters(self) -> int:
        """Independent units among the labels."""
        return len(self.judge_I) if self.cluster_I is None else len(np.unique(self.cluster_I))

    @property
    def bias_variance(self) -> float:
        """Variance of `bias`, by cluster; never 0, as a judge without a mistake here may still make some.

        Source: cluster-robust variance of a mean, floored by that of Agresti and Min 2005 for the difference
        of matched rates: half a label added to each cell of judge against human. NaN below two labels.

        >>> round(LabelledResponses(np.array([1.0, 0.0]), np.array([1.0, 0.0])).bias_variance, 4)
        0.0625
        """
        n = len(self.judge_I)
        gap_I = self.judge_I - self.human_I
        u_I = (gap_I - self.bias) / n if n else gap_I
        u_G = u_I if self.cluster_I is None else np.bincount(self.cluster_I, weights=u_I)
        if len(u_G) < 2:
            return math.nan
        seen = len(u_G) / (len(u_G) - 1) * float((u_G**2).sum())
        floor = (float((gap_I**2).sum()) + 1 - float(gap_I.sum()) ** 2 / (n + 2)) / (n + 2) ** 2
        return max(seen, floor)


def label_part(arm: LabelledResponses, against: LabelledResponses) -> Part:
    """The error that two finite sets of labels put into a corrected change.

    Returns:
        The part `judge`: the sum of both biases' variances, with Welch's degrees of freedom over clusters of
        labels; NaN with fewer than two in an arm.

    Source: Welch 1947.

    >>> labels = LabelledResponses(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    >>> part = label_part(labels, labels)
    >>> round(part.variance, 3), round(part.df, 3)
    (0.125, 6.0)
    """
    variances = arm.bias_variance, against.bias_variance
    spread = sum(v**2 / max(side.n_clusters - 1, 1) for v, side in zip(variances, (arm, against), strict=True))
    total = sum(variances)
    return Part("judge", total, total**2 / spread if spread > 0 else math.nan)


def corrected_effect(budget: Budget, *, arm: LabelledResponses, against: LabelledResponses) -> Budget:
    """Take the judge's errors out of a change, with labels from both arms.

    Args:
        budget: The change as the judge sees it.
        arm: Labels from the arm.
        against: Labels from the arm compared with.

    Returns:
        The corrected change, with the part `judge` added; the rare-event rule is dropped, as it is about the
        judge's rates. Refused with fewer than two labelled responses in an arm.

    Source: prediction-powered inference with weight 1, Angelopoulos et al. 2023, per arm. A tuned weight would
        let seed variance leak into the label part. Coverage: docs/validation/judge_error.md.

    >>> labels = LabelledResponses(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    >>> right = LabelledResponses(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    >>> corrected_effect(Budget(0.5), arm=labels, against=right).estimate
    0.25
    """
    part = label_part(arm, against)
    refused = budget.refused or ("too few labelled responses" if math.isnan(part.variance) else "")
    estimate = budget.estimate - (arm.bias - against.bias)
    parts = (*budget.parts, part)
    return replace(budget, estimate=estimate, parts=parts, score=None, note="", refused=refused)


def labels_needed(error_rate: float, half_width: float, *, level: float = 0.95) -> int:
    """Labels per arm that keep the judge's part of the interval within a half-width.

    Args:
        error_rate: Share of responses on which judge and human differ.
        half_width: Wanted contribution, a fraction.
        level: Confidence level, a fraction.

    Source: 2 v z^2 / h^2, with the error rate bounding the variance of the differences.

    >>> [labels_needed(0.06, half_width) for half_width in (0.05, 0.03, 0.02)]
    [185, 513, 1153]
    """
    return math.ceil(2 * error_rate * two_sided(1 - level, math.inf) ** 2 / half_width**2)


def tipping_point(
    rate: float,
    against: float,
    *,
    margin: float,
    sensitivity: float,
    specificity: float,
    error: Literal["specificity", "sensitivity"] = "specificity",
) -> float:
    """How far the judge's error on the arm must move before the true change meets the margin.

    Answers "how wrong must the judge be for this to be a mistake", without any human label.

    Args:
        rate: The judge's rate in the arm.
        against: The judge's rate in the arm compared with.
        margin: A change, a fraction: the one that would alter the verdict.
        sensitivity: Assumed of the judge, in both arms.
        specificity: Assumed of the judge in the arm compared with.
        error: Which of the two moves in the arm; the other stays as assumed.

    Returns:
        The shift of specificity (or sensitivity) in the arm, a fraction: negative means more false positives
        (or more misses) there. NaN where the judge is no better than chance, or where the margin is at a
        true rate that this error cannot reach: 1 for specificity, 0 for sensitivity.

    Source: own derivation from Rogan and Gladen.

    >>> round(tipping_point(0.30, 0.20, margin=0.0, sensitivity=1.0, specificity=1.0), 3)
    -0.125
    >>> round(tipping_point(0.20, 0.20, margin=0.05, sensitivity=1.0, specificity=1.0, error="sensitivity"), 3)
    -0.2
    """
    gain = sensitivity + specificity - 1
    truth = (against + specificity - 1) / gain + margin if gain > 0 else math.nan
    if error == "specificity":
        if not truth < 1:
            return math.nan
        needed = (rate - truth * sensitivity) / (1 - truth)  # false-positive rate at which the margin is met
        return (1 - needed) - specificity
    return (rate - (1 - truth) * (1 - specificity)) / truth - sensitivity if truth > 0 else math.nan


def _share(yes_I: Array, chosen_I: np.ndarray, cluster_I: Labels | None, level: float) -> Interval:
    yes_I = yes_I[chosen_I]
    n = len(yes_I)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, level, reason="no response has that label")
    if cluster_I is not None:
        labels = np.unique(cluster_I[chosen_I], return_inverse=True)[1].astype(np.int64)
        return rate_interval(yes_I[None, None], cluster_I=labels, level=level)
    rate = float(yes_I.mean())
    return Interval(rate, *score_interval(ScoreRate(rate, n), alpha=1 - level), level, n_items=n)
