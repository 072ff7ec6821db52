"""Validation pages beside the headline: scopes, ratios, many arms, judge error, early looks, bootstrap,
categories.

Each page is a generator of text; `run.py` writes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from aftertune.seeds import generator
from aftertune.stats.budget import Budget, limits
from aftertune.stats.categories import variance_prior
from aftertune.stats.effect import checkpoint_effect, recipe_effect
from aftertune.stats.facets import mean_squares
from aftertune.stats.factorial import factor_weights, weighted_contrast
from aftertune.stats.judge_error import LabelledResponses, corrected_effect
from aftertune.stats.multi_bootstrap import bootstrap_interval
from aftertune.stats.quantiles import two_sided
from aftertune.stats.ratios import jackknife_effect, log_risk_ratio
from aftertune.stats.scope import Scope, scoped_effect
from aftertune.stats.sequential import anytime_multiplier, plan_looks, stop_at
from aftertune.testing import Effects, draw

ENTRIES = "Entries: **coverage % / mean half-width in points**, at 95 %.\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def arrays(
    rng: np.random.Generator,
    *,
    change: float = 0.05,
    n_items: int = 200,
    n_seeds: int = 5,
    n_formats: int = 2,
    effects: Effects | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One simulated study as (arm, initial)."""
    study = draw(rng, change=change, n_items=n_items, n_seeds=n_seeds, n_formats=n_formats, effects=effects)
    return study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]


def _covered(budgets: Iterator[tuple[Budget, float]], scale: float = 100.0) -> str:
    hits = width = n = 0.0
    for budget, truth in budgets:
        low, high = limits(budget, alpha=0.05)
        hits, width, n = hits + (low <= truth <= high), width + (high - low) / 2, n + 1
    return f"{100 * hits / n:.1f} / {scale * width / n:.{1 if scale > 1 else 2}f}"


def scope_page(n: int) -> Iterator[str]:
    """Random formats: a new draw of formats in every study."""
    yield f"""# Scope: formats like these

Prompt formats drawn anew for every study, no change on average over formats, 200 items. Ignoring that they
are a sample makes the interval too narrow. {ENTRIES}"""
    rows = []
    for n_formats, n_seeds in ((4, 3), (4, 5), (8, 5), (4, 10)):
        row = [f"{n_formats} formats, S = {n_seeds}"]
        for scope in (Scope(), Scope(prompt_format="random")):
            rng = generator(11, "scope", n_formats, n_seeds, scope.prompt_format)
            row.append(
                _covered((scoped_effect(*_random_formats(rng, n_formats, n_seeds), scope), 0.0) for _ in range(n))
            )
        rows.append(row)
    yield table(["design", "formats fixed (wrong claim)", "formats random"], rows)


def _random_formats(rng: np.random.Generator, n_formats: int, n_seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Formats react to tuning by +-5 points around no change, each as its own fixed-format study on shared
    seeds."""
    change_F = rng.normal(0, 0.05, n_formats).clip(-0.2, 0.2)
    effects = Effects(prompt_format=0, format_arm=0, item_format=0, seed_format=0)
    arms, initials = [], []
    seed = int(rng.integers(2**31))
    for change in change_F:
        rng = np.random.default_rng(seed)  # the same items and training seeds in every format
        study = draw(rng, change=float(change), n_items=200, n_seeds=n_seeds, effects=effects)
        arms.append(study.tuned_SFIR[:, 0, :, 0])
        initials.append(study.initial_FIR[0, :, 0])
    return np.stack(arms, axis=1), np.stack(initials)[None]


def ratios_page(n: int) -> Iterator[str]:
    """Log risk ratio by jackknife."""
    yield """# Log risk ratio

Jackknife over training seeds and over items, joined in quadrature; true change +5 points on 25 %, 200 items,
2 formats. Entries: **coverage % / mean half-width on the log scale**, at 95 %.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        row = [f"S = {n_seeds}"]
        for spread in (0.1, 0.3, 0.6):
            rng = generator(12, "ratio", n_seeds, str(spread))
            studies = (arrays(rng, n_seeds=n_seeds, effects=Effects(seed=spread)) for _ in range(n))
            budgets = ((jackknife_effect(*study, log_risk_ratio), math.log(0.30 / 0.25)) for study in studies)
            row.append(_covered(budgets, 1.0))
        rows.append(row)
    yield table(["seeds", "seed SD 0.1 logit", "0.3", "0.6"], rows)


def factorial_page(n: int) -> Iterator[str]:
    """Main effects and interactions of two factors, four arms."""
    yield f"""# Factorial

Four arms (two factors, on and off) with training seeds of their own on the same 200 items; no effect at all.
{ENTRIES}"""
    levels = [{"a": bool(code & 1), "b": bool(code & 2)} for code in range(4)]
    rows = []
    for n_seeds in (2, 3, 5):
        row = [f"S = {n_seeds} per arm"]
        for factors in (["a"], ["a", "b"]):
            weights = factor_weights(levels, factors)
            rng = generator(13, "factorial", n_seeds, len(factors))
            studies = (_four_arms(rng, n_seeds) for _ in range(n))
            row.append(_covered((weighted_contrast(arms, weights), 0.0) for arms in studies))
        rows.append(row)
    yield table(["design", "main effect", "interaction"], rows)


def _four_arms(rng: np.random.Generator, n_seeds: int) -> list[np.ndarray]:
    y_SFI, _ = arrays(rng, n_seeds=4 * n_seeds, n_formats=1)
    return np.split(y_SFI, 4)


def judge_error_page(n: int) -> Iterator[str]:
    """The judge's error, taken out with labels from both arms."""
    yield f"""# Judge error

Five training seeds, 450 items, true change +5 points; human labels of a random sample of responses in both
arms. {ENTRIES}"""
    errors = {
        "equal: sensitivity 0.90, specificity 0.95 in both": (0.90, 0.95, 0.90, 0.95),
        "worse on the tuned arm: 0.90 / 0.97, tuned 0.85 / 0.90": (0.90, 0.97, 0.85, 0.90),
    }
    rows = []
    for name, rates in errors.items():
        for n_labels in (100, 300, 1000):
            rng = generator(14, "judge", name, n_labels)
            found = [_judged(rng, rates, n_labels) for _ in range(n)]
            rows.append([name, f"{n_labels}", *(_covered((pair[place], 0.05) for pair in found) for place in (0, 1))])
    yield table(["judge", "labels per arm", "uncorrected", "corrected"], rows)


def _judged(rng: np.random.Generator, rates: tuple[float, ...], n_labels: int) -> tuple[Budget, Budget]:
    study = draw(rng, change=0.05, n_items=450, n_seeds=5, n_formats=4, n_initial_replicates=5)
    tuned, initial = study.tuned_SFIR[..., 0], study.initial_FIR.transpose(2, 0, 1)
    seen = [_verdicts(rng, truth, *pair) for truth, pair in ((initial, rates[:2]), (tuned, rates[2:]))]
    budget = recipe_effect(seen[1], seen[0].mean(axis=0, keepdims=True))
    labels = []
    for truth, judged in ((tuned, seen[1]), (initial, seen[0])):
        picked = rng.choice(truth.size, n_labels, replace=False)
        labels.append(LabelledResponses(judged.ravel()[picked], truth.ravel()[picked]))
    return budget, corrected_effect(budget, arm=labels[0], against=labels[1])


def _verdicts(rng: np.random.Generator, truth: np.ndarray, sensitivity: float, specificity: float) -> np.ndarray:
    yes = rng.random(truth.shape) < np.where(truth > 0, sensitivity, 1 - specificity)
    return yes.astype(float)


def sequential_page(n: int) -> Iterator[str]:
    """Early looks at one checkpoint."""
    yield """# Early looks over items

One checkpoint, up to 450 items, margin 5 points, one-sided 5 %. Entries: **PASS % / FAIL % / mean items
used**. At a true change of +5 both verdicts are errors.
"""
    looks, rows = plan_looks(450, 5), []
    for change in (0.0, 0.02, 0.05, 0.08, 0.12):
        rng = generator(15, "sequential", str(change))
        found: dict[str, list[tuple[int, str]]] = {"once": [], "looks": [], "anytime": []}
        for _ in range(n):
            y, y0 = arrays(
                rng, change=change, n_items=450, n_seeds=1, n_formats=4, effects=Effects(seed=0.0, seed_format=0.0)
            )
            d_I = y[0].mean(axis=0) - y0[0].mean(axis=0)
            found["once"].append(stop_at(d_I, plan_looks(450, 1), margin=0.05))
            found["looks"].append(stop_at(d_I, looks, margin=0.05))
            found["anytime"].append(_anytime(d_I))
        rows.append([f"{100 * change:+.0f}", *(_stops(stops) for stops in found.values())])
    yield table(["true change", "one look at 450", "five looks", "any time after 30"], rows)


def _anytime(d_I: np.ndarray) -> tuple[int, str]:
    for n in range(30, len(d_I) + 1, 5):
        half = anytime_multiplier(n) * d_I[:n].std(ddof=1) / math.sqrt(n)
        if d_I[:n].mean() + half < 0.05 or d_I[:n].mean() - half > 0.05:
            return n, "PASS" if d_I[:n].mean() < 0.05 else "FAIL"
    return len(d_I), "CANNOT TELL"


def _stops(stops: list[tuple[int, str]]) -> str:
    words = [word for _, word in stops]
    used = np.mean([n for n, _ in stops])
    passed, failed = (100 * words.count(word) / len(words) for word in ("PASS", "FAIL"))
    return f"{passed:.1f} / {failed:.1f} / {used:.0f}"


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
                y, y0 = arrays(rng, n_seeds=n_seeds, effects=Effects(seed=spread))
                budgets.append((recipe_effect(y, y0), 0.05))
                d_SI = y.mean(axis=1) - y0[0].mean(axis=0)
                found = bootstrap_interval(d_SI, lambda m_BS: m_BS.mean(axis=1), rng=rng, draws=500)
                hits += found.low <= 0.05 <= found.high
                width += (found.high - found.low) / 2
            rows.append(
                [
                    f"S = {n_seeds}, seed SD {spread}",
                    f"{100 * hits / n:.1f} / {100 * width / n:.1f}",
                    _covered(iter(budgets)),
                ]
            )
    yield table(["design", "multi-bootstrap", "headline"], rows)


def categories_page(n: int) -> Iterator[str]:
    """Per-category claims: which of them can be promised."""
    yield f"""# Categories

Ten categories of 40 items; per-category intervals of the change, pooled over categories. The recipe claim
with its own seed variance is honest and useless at few seeds; moderating the seed variances over categories
is the candidate to replace it; the checkpoint claim is the default.
{ENTRIES}"""
    rows = []
    for n_seeds in (3, 5):
        for spread in (0.1, 0.6):
            rng, kinds = generator(17, "categories", n_seeds, str(spread)), ([], [], [])
            for _ in range(max(n // 5, 1)):
                for place, found in enumerate(_per_category(rng, n_seeds, spread)):
                    kinds[place].extend(found)
            rows.append([f"S = {n_seeds}, seed SD {spread}", *(_plain_coverage(kind) for kind in kinds)])
    head = ["design", "recipe, own variance", "recipe, moderated", "recipe by checkpoint interval (wrong)"]
    yield table(head, rows)


def _per_category(rng: np.random.Generator, n_seeds: int, spread: float) -> tuple[list[tuple[float, float]], ...]:
    """Estimate minus truth and half-width, per category and kind of interval."""
    effects = Effects(seed=spread, seed_format=0)
    y, y0 = arrays(rng, n_items=400, n_seeds=n_seeds, n_formats=1, effects=effects)
    d_SI = y[:, 0] - y0[0, 0]
    parts = [mean_squares(block_SI) for block_SI in np.split(d_SI, 10, axis=1)]
    errors = [float(block_SI.mean()) - 0.05 for block_SI in np.split(d_SI, 10, axis=1)]
    seed_C = np.array([part.seed for part in parts])
    moderated_C, df = variance_prior(seed_C, n_seeds - 1).moderated(seed_C, n_seeds - 1)
    z2 = two_sided(0.05, 39) ** 2
    own = [math.sqrt(two_sided(0.05, n_seeds - 1) ** 2 * part.seed + z2 * part.item_only) for part in parts]
    lent = [
        math.sqrt(two_sided(0.05, df) ** 2 * float(seed) + z2 * part.item_only)
        for seed, part in zip(moderated_C, parts, strict=True)
    ]
    fixed = [math.sqrt(z2 * part.item) for part in parts]
    return tuple(list(zip(errors, halves, strict=True)) for halves in (own, lent, fixed))


def _plain_coverage(found: list[tuple[float, float]]) -> str:
    hits = np.mean([abs(error) <= half for error, half in found])
    return f"{100 * hits:.1f} / {100 * np.mean([half for _, half in found]):.1f}"


def graded_page(n: int) -> Iterator[str]:
    """Scores from 1 to 5, taken as fractions of the scale."""
    yield f"""# Scores from 1 to 5

Each score is 1 plus the number of yes among four yes/no draws, analysed as (score - 1) / 4; 200 items, 1
format. {ENTRIES}"""
    rows = []
    for n_seeds in (3, 5, 10):
        row = [f"S = {n_seeds}"]
        for effect in (recipe_effect, checkpoint_effect):
            rng = generator(18, "graded", n_seeds, effect.__name__)
            row.append(
                _covered((effect(*_scores(rng, n_seeds, recipe=effect is recipe_effect)), 0.05) for _ in range(n))
            )
        rows.append(row)
    yield table(["seeds", "recipe effect", "checkpoint effect (seeds that do not differ)"], rows)


def _scores(rng: np.random.Generator, n_seeds: int, *, recipe: bool) -> tuple[np.ndarray, np.ndarray]:
    effects = Effects() if recipe else Effects(seed=0.0, seed_format=0.0)
    study = draw(rng, change=0.05, n_items=200, n_seeds=n_seeds, n_replicates=4, effects=effects)
    return study.tuned_SFIR.mean(axis=3), study.initial_FIR.mean(axis=2)[None]


PAGES: dict[str, Callable[[int], Iterator[str]]] = {
    "scope": scope_page,
    "ratios": ratios_page,
    "factorial": factorial_page,
    "judge_error": judge_error_page,
    "sequential": sequential_page,
    "multi_bootstrap": multi_bootstrap_page,
    "categories": categories_page,
    "graded": graded_page,
}
