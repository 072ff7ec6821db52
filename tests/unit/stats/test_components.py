"""Variance components: unbiased, the same with holes, replicates apart."""

import numpy as np
import pytest

from aftertune.stats.components import shares, variance_components


def _normal_table(rng: np.random.Generator) -> np.ndarray:
    seed, form, item = rng.normal(0, 2, (6, 1, 1)), rng.normal(0, 1, (1, 4, 1)), rng.normal(0, 3, (1, 1, 40))
    return seed + form + item + rng.normal(0, 1.5, (6, 1, 40)) + rng.normal(0, 0.5, (6, 4, 40))


def _anova(y: np.ndarray) -> dict[str, float]:
    """The textbook mean-square estimators for two crossed facets."""
    (a, b), m = y.shape, y.mean()
    ms_a = b * ((y.mean(axis=1) - m) ** 2).sum() / (a - 1)
    ms_b = a * ((y.mean(axis=0) - m) ** 2).sum() / (b - 1)
    rest = y - y.mean(axis=1)[:, None] - y.mean(axis=0) + m
    ms_r = (rest**2).sum() / ((a - 1) * (b - 1))
    return {"seed": (ms_a - ms_r) / b, "item": (ms_b - ms_r) / a, "seed x item": ms_r}


def test_complete_tables_give_the_mean_square_estimators() -> None:
    y = np.random.default_rng(1).normal(5, 2, (4, 30))
    assert variance_components(y, ["seed", "item"]) == pytest.approx(_anova(y))


def test_known_components_come_back_on_average_even_with_holes() -> None:
    rng = np.random.default_rng(2)
    draws = []
    for _ in range(300):
        y = _normal_table(rng)
        y[rng.random(y.shape) < 0.15] = np.nan
        draws.append(variance_components(y, ["seed", "format", "item"]))
    mean = {source: float(np.mean([parts[source] for parts in draws])) for source in draws[0]}
    spread = {source: float(np.std([parts[source] for parts in draws])) / 300**0.5 for source in draws[0]}
    truth = {
        "seed": 4.0,
        "format": 1.0,
        "item": 9.0,
        "seed x item": 2.25,
        "seed x format": 0.0,
        "format x item": 0.0,
        "seed x format x item": 0.25,
    }
    for source, value in truth.items():
        assert abs(mean[source] - value) < 4 * spread[source] + 1e-9, source


def test_an_axis_of_one_is_left_out() -> None:
    y = np.random.default_rng(0).random((1, 1, 9))
    assert set(variance_components(y, ["seed", "format", "item"])) == {"item"}
    assert variance_components(np.zeros((1, 1, 1)), ["seed", "format", "item"]) == {}


def test_replicates_are_taken_off_the_residual() -> None:
    y = np.random.default_rng(3).random((3, 20))
    plain = variance_components(y, ["seed", "item"])
    split = variance_components(y, ["seed", "item"], within=0.02)
    assert split["replicate"] == 0.02
    assert split["seed x item"] == pytest.approx(plain["seed x item"] - 0.02)


def test_nothing_varies() -> None:
    parts = variance_components(np.ones((3, 4)), ["seed", "item"])
    assert set(parts.values()) == {0.0}
    assert all(np.isnan(share) for share in shares(parts).values())
