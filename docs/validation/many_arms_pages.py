"""Validation pages about several arms or rounds: factors, trends, ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from common import ENTRIES, Tally, covered, small_study, table
from scipy.special import expit

from aftertune.seeds import generator
from aftertune.stats.effect import recipe_effect
from aftertune.stats.factorial import effect_weights, trend_effect, weighted_contrast
from aftertune.stats.multi_bootstrap import bootstrap_interval, rank_shares
from aftertune.testing import Effects, draw
from aftertune.testing.simulate import Model


def factorial_page(n: int) -> Iterator[str]:
    """Main effects and interactions of two factors, four arms."""
    yield f"""# Factorial

Two factors, on and off; each arm has training seeds of its own on the same 200 items. With no effect the four
arms' changes are 0; with effects they are 0 (neither), +5 (a), +5 (b), +20 points (both), which is a main effect of
10 points each and an interaction of 10. Every arm has its own reaction per item, as recipes have. In the lopsided
design the arm with b alone has two seeds more.
{ENTRIES}"""
    rows = []
    for n_seeds in (2, 3, 5):
        for name, changes in {"no effect": (0.0, 0.0, 0.0, 0.0), "effects": (0.0, 0.05, 0.05, 0.2)}.items():
            for extra in (0, 2):
                row = [f"S = {n_seeds} per arm, {name}{', lopsided' if extra else ''}"]
                for factors in (["a"], ["a", "b"]):
                    weights = effect_weights(LEVELS, factors)
                    truth = float(np.dot(weights, changes))
                    rng = generator(13, "factorial", n_seeds, name, extra, len(factors))
                    seeds = (n_seeds, n_seeds, n_seeds + extra, n_seeds)
                    studies = (_arms(rng, changes, seeds) for _ in range(n))
                    row.append(covered((weighted_contrast(arms, weights), truth) for arms in studies))
                rows.append(row)
    yield table(["design", "main effect", "interaction"], rows)


LEVELS = [{"a": bool(code & 1), "b": bool(code & 2)} for code in range(4)]


def _arms(rng: np.random.Generator, changes: Sequence[float], seeds: Sequence[int]) -> list[np.ndarray]:
    """Outcomes of tuned arms with these true changes on the same 200 items, one format."""
    model = Model.drawn(rng, Effects(), 0.25, 1)
    eta_FI, cluster_I = model.items(rng, 200, 1)
    drawn = (model.tuned(rng, eta_FI, cluster_I, *pair) for pair in zip(changes, seeds, strict=True))
    return [(rng.random(eta_SFI.shape) < expit(eta_SFI)).astype(float) for eta_SFI in drawn]


def trend_page(n: int) -> Iterator[str]:
    """Slopes over rounds of tuning."""
    yield f"""# Trend over rounds

The same runs measured after three rounds of tuning, 120 items. The rate rises by 0 or 3 points per round; every run
drifts by a slope of its own besides (SD 0 or 4 points per round). The recipe claim is about the mean slope over runs;
the checkpoint claim about these runs alone, and in the last column is held against the recipe. {ENTRIES}"""
    rows = []
    for n_seeds in (3, 5, 10):
        for own in (0.0, 0.04):
            for slope in (0.0, 0.03):
                rng = generator(23, "trend", n_seeds, str(own), str(slope))
                tallies = [Tally() for _ in range(3)]
                for _ in range(n):
                    y_RSFI, own_S = _rounds(rng, n_seeds, slope, own)
                    recipe, checkpoint = (trend_effect(y_RSFI, [1, 2, 3], recipe=kind) for kind in (True, False))
                    pairs = ((recipe, slope), (checkpoint, slope + own_S.mean()), (checkpoint, slope))
                    for tally, (budget, truth) in zip(tallies, pairs, strict=True):
                        tally.add(budget, float(truth))
                name = f"S = {n_seeds}, slope {100 * slope:+.0f}, own SD {100 * own:.0f}"
                rows.append([name, *(tally.short() for tally in tallies)])
    yield table(["design", "recipe", "these runs", "these runs, for the recipe (wrong)"], rows)


def _rounds(rng: np.random.Generator, n_seeds: int, slope: float, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Graded outcomes over three rounds: the mean of five yes/no draws plus the drift; and each run's own slope."""
    study = draw(rng, change=0.05, n_items=120, n_seeds=n_seeds, n_replicates=15)
    y_RSFI = np.moveaxis(study.tuned_SFIR.reshape(n_seeds, 1, 120, 3, 5).mean(axis=4), 3, 0)
    own_S = rng.normal(0, own, n_seeds)
    return y_RSFI + np.multiply.outer([1, 2, 3], slope + own_S)[..., None, None], own_S


def ranks_page(n: int) -> Iterator[str]:
    """What is said of an order, and what is true."""
    yield """# Ranks

Four recipes whose true changes are drawn anew for every study (normal around +5 points, SD 4), 150 items. The share of
multi-bootstrap draws in which a recipe comes first is held against how often it truly is the best, over all recipes
and studies. Entries: **said -> was (cases)**.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        rng, said, best = generator(24, "ranks", n_seeds), [], []
        for _ in range(n):
            changes = rng.normal(0.05, 0.04, 4).clip(-0.2, 0.3)
            arms = [y_SFI[:, 0] for y_SFI in _arms(rng, changes, (n_seeds,) * 4)]
            said += rank_shares(arms, rng=rng, draws=200)[:, 0].tolist()
            best += (changes == changes.min()).tolist()
        rows.append([f"S = {n_seeds}", *_bins(np.array(said), np.array(best))])
    yield table(["seeds", *(f"{low:.1f} to {low + 0.2:.1f}" for low in _BINS)], rows)
    yield "Each share rests on 200 draws here; the default is 2000.\n"


_BINS = (0.0, 0.2, 0.4, 0.6, 0.8)


def _bins(said: np.ndarray, was: np.ndarray) -> list[str]:
    cells = []
    for low in _BINS:
        picked = (said >= low) & (said < low + 0.2 + (low == _BINS[-1]))
        cells.append(f"{said[picked].mean():.2f} -> {was[picked].mean():.2f} ({picked.sum()})" if picked.any() else "-")
    return cells


def multi_bootstrap_page(n: int) -> Iterator[str]:
    """Why the bootstrap is never the headline."""
    yield f"""# Multi-bootstrap

The percentile interval of a mean, beside the headline interval on the same studies; 200 items, true change
+5. {ENTRIES}"""
    rows = []
    for n_seeds in (3, 5, 10):
        for spread in (0.1, 0.6):
            rng, hits, width = generator(16, "bootstrap", n_seeds, str(spread)), 0, 0.0
            budgets = []
            for _ in range(n):
                y, y0 = small_study(rng, n_seeds=n_seeds, effects=Effects(seed=spread))
                budgets.append((recipe_effect(y, y0), 0.05))
                d_SI = y.mean(axis=1) - y0[0].mean(axis=0)
                found = bootstrap_interval(d_SI, lambda m_BS: m_BS.mean(axis=1), rng=rng, draws=500)
                hits += found.low <= 0.05 <= found.high
                width += (found.high - found.low) / 2
            rows.append(
                [
                    f"S = {n_seeds}, seed SD {spread}",
                    f"{100 * hits / n:.1f} / {100 * width / n:.1f}",
                    covered(iter(budgets)),
                ]
            )
    yield table(["design", "multi-bootstrap", "headline"], rows)
