"""Judges like these: the interval holds the change over judges as often as it says, neither less nor much more."""

from __future__ import annotations

import pytest

from aftertune.seeds import generator
from aftertune.stats.budget import Budget, Part, interval
from aftertune.stats.scope import with_judges

N_STUDIES = 2000


@pytest.mark.parametrize(("n_judges", "judge_sd", "least", "most"), [(3, 0.05, 0.94, 0.99), (6, 0.05, 0.94, 0.98)])
def test_coverage_over_judges(n_judges, judge_sd, least, most):
    rng, truth, item_variance = generator(0, "judges random", n_judges), 0.1, 0.02**2
    held = 0
    for _ in range(N_STUDIES):
        change_J = truth + rng.normal(0, judge_sd, n_judges) + rng.normal(0, item_variance**0.5)
        budget = Budget(float(change_J.mean()), (Part("item", item_variance),), n_seeds=5, n_items=100)
        found = interval(with_judges(budget, change_J), level=0.95)
        held += found.low <= truth <= found.high
    assert least <= held / N_STUDIES <= most
    ignored = interval(budget, level=0.95)
    assert ignored.high - ignored.low < 0.9 * (found.high - found.low)


def test_ignoring_the_judges_covers_less():
    rng, held = generator(0, "judges ignored"), 0
    for _ in range(500):
        estimate = 0.1 + rng.normal(0, 0.05, 3).mean() + rng.normal(0, 0.02)
        found = interval(Budget(float(estimate), (Part("item", 0.02**2),), n_seeds=5, n_items=100), level=0.95)
        held += found.low <= 0.1 <= found.high
    assert held / 500 < 0.85
