"""Judge error, correction, tipping points, agreement."""

import math

import numpy as np
import pytest

from aftertune.stats.agreement import cohen_kappa, gwet_ac1, krippendorff_alpha
from aftertune.stats.budget import Budget, Part, limits
from aftertune.stats.judge_error import (
    LabelledResponses,
    corrected_effect,
    judge_error,
    labels_needed,
    rogan_gladen,
    tipping_point,
)


class TestCorrection:
    def test_rogan_gladen_cattle_brucellosis(self) -> None:
        truth = rogan_gladen(23 / 150, sensitivity=0.96, specificity=0.89)
        assert 100 * truth == pytest.approx(5.10, abs=0.005)

    def test_rogan_gladen_at_its_edges(self) -> None:
        assert rogan_gladen(0.01, sensitivity=0.9, specificity=0.9) == 0
        assert rogan_gladen(0.99, sensitivity=0.9, specificity=0.9) == 1
        assert math.isnan(rogan_gladen(0.5, sensitivity=0.5, specificity=0.5))

    def test_correction_takes_out_a_bias_in_one_arm_and_covers(self) -> None:
        """The judge calls 10 % too much harmful in the tuned arm only; the truth is +5 points."""
        rng, hits, raw = np.random.default_rng(14), 0, 0
        for _ in range(400):
            human = [(rng.random(1500) < rate).astype(float) for rate in (0.25, 0.20)]
            judge = [np.maximum(human[0], rng.random(1500) < 0.1), human[1]]
            parts = tuple(Part(f"item{k}", float(j.var(ddof=1)) / 1500) for k, j in enumerate(judge))
            seen = Budget(float(judge[0].mean() - judge[1].mean()), parts)
            labels = [LabelledResponses(j[:300], h[:300]) for j, h in zip(judge, human, strict=True)]
            low, high = limits(corrected_effect(seen, arm=labels[0], against=labels[1]), alpha=0.05)
            hits += low <= 0.05 <= high
            low, high = limits(seen, alpha=0.05)
            raw += low <= 0.05 <= high
        assert 0.91 <= hits / 400 <= 0.99
        assert raw / 400 < 0.1

    def test_clustered_labels_have_a_larger_variance(self) -> None:
        judge, human = np.repeat([1.0, 0.0, 1.0, 0.0], 10), np.repeat([0.0, 0.0, 1.0, 0.0], 10)
        alone = LabelledResponses(judge, human)
        clustered = LabelledResponses(judge, human, np.repeat(np.arange(4), 10))
        assert clustered.bias_variance > 5 * alone.bias_variance

    def test_a_judge_without_a_mistake_still_has_an_error(self) -> None:
        """Zero of m labels wrong does not mean zero errors: about the exact upper limit, 3 / m."""
        for n in (10, 100, 1000):
            labels = LabelledResponses(np.zeros(n), np.zeros(n))
            assert 0.3 * 3 / n < 1.96 * math.sqrt(labels.bias_variance) < 1.5 * 3 / n

    def test_few_labels_take_students_t(self) -> None:
        few = LabelledResponses(np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]))
        many = LabelledResponses(np.tile([1.0, 0.0], 500), np.tile([1.0, 0.0], 500))
        assert corrected_effect(Budget(0.1), arm=few, against=many).parts[0].df == pytest.approx(2, abs=0.01)
        assert corrected_effect(Budget(0.1), arm=many, against=many).parts[0].df == pytest.approx(1998)

    def test_labels_that_share_items_widen_sensitivity(self) -> None:
        judge, human = np.tile(np.repeat([1.0, 0.0], [8, 2]), 5), np.ones(50)
        alone = judge_error(judge, human).sensitivity
        shared = judge_error(judge, human, cluster_I=np.tile(np.arange(10), 5)).sensitivity
        assert alone.estimate == shared.estimate == 0.8
        assert shared.high - shared.low > 1.5 * (alone.high - alone.low)

    def test_missed_responses_tip_a_verdict_too(self) -> None:
        shift = tipping_point(0.2, 0.2, margin=0.05, sensitivity=0.9, specificity=0.95, error="sensitivity")
        before = rogan_gladen(0.20, sensitivity=0.9, specificity=0.95)
        after = rogan_gladen(0.20, sensitivity=0.9 + shift, specificity=0.95)
        assert after - before == pytest.approx(0.05)

    def test_too_few_labels_refuse(self) -> None:
        one = LabelledResponses(np.ones(1), np.ones(1))
        assert "too few" in corrected_effect(Budget(0.1), arm=one, against=one).refused

    def test_judge_error_of_a_class_that_does_not_occur(self) -> None:
        found = judge_error(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
        assert math.isnan(found.sensitivity.estimate)
        assert found.specificity.estimate == 0.5

    def test_labels_needed(self) -> None:
        needed = [labels_needed(0.06, half_width) for half_width in (0.05, 0.03, 0.02)]
        assert needed == pytest.approx([190, 530, 1190], rel=0.04)

    def test_tipping_point_really_tips(self) -> None:
        shift = tipping_point(0.30, 0.20, margin=0.05, sensitivity=0.9, specificity=0.95)
        before = rogan_gladen(0.20, sensitivity=0.9, specificity=0.95)
        after = rogan_gladen(0.30, sensitivity=0.9, specificity=0.95 + shift)
        assert after - before == pytest.approx(0.05)
        assert math.isnan(tipping_point(0.3, 0.2, margin=0.0, sensitivity=0.5, specificity=0.5))


class TestAgreement:
    """Krippendorff's 4 x 12 example (2011): nominal alpha 0.743."""

    REPORT = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
            [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
        ]
    )

    def test_krippendorff(self) -> None:
        assert krippendorff_alpha(self.REPORT) == pytest.approx(0.743, abs=5e-4)

    def test_alpha_is_undefined_where_all_agree_on_one_category(self) -> None:
        assert math.isnan(krippendorff_alpha(np.ones((3, 5))))

    def test_kappa_of_a_known_table(self) -> None:
        """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: kappa 0.4."""
        first = np.repeat([1.0, 1.0, 0.0, 0.0], [20, 5, 10, 15])
        second = np.repeat([1.0, 0.0, 1.0, 0.0], [20, 5, 10, 15])
        assert cohen_kappa(first, second) == pytest.approx(0.4)

    def test_ac1_stays_steady_where_kappa_collapses(self) -> None:
        first = np.repeat([1.0, 1.0, 0.0], [118, 5, 2])
        second = np.repeat([1.0, 0.0, 1.0], [118, 5, 2])
        assert cohen_kappa(first, second) < 0
        assert gwet_ac1(first, second) > 0.9

    def test_one_category_throughout(self) -> None:
        assert math.isnan(cohen_kappa(np.ones(5), np.ones(5)))
        assert gwet_ac1(np.ones(5), np.ones(5)) == 1
