"""Self-checks of a study that the table alone cannot make: did the machinery do what it says?

Each comes from a real failure of evaluation stacks: an adapter that was not loaded, a doubled BOS, a
template that differs between arms, replicates that repeat, a second seed that is the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aftertune.assemble import judgment_frame
from aftertune.plan import Cell, Plan
from aftertune.results import Diagnostic
from aftertune.spec.models import INITIAL
from aftertune.steps import read_responses
from aftertune.store import Store


def self_checks(plan: Plan, store: Store, primary: str, outcome: str) -> list[Diagnostic]:
    """All checks, in a fixed order."""
    return [
        *_outputs_differ(plan, store),
        *_seeds_differ(plan, store),
        *_one_bos(plan, store),
        *_same_prompts(plan, store),
        *_replicates_differ(plan, store),
        *_noise_floor(plan, store, primary, outcome),
        *_training_sets(plan, store),
        *_runs(plan, store),
    ]


def _texts(cell: Cell, store: Store) -> list[str]:
    return [response.text for response in read_responses(store, cell.responses_key)]


def _one_judge(plan: Plan) -> list[Cell]:
    """Each condition once, whatever judges looked at it."""
    return list({(c.arm, c.training_seed, c.benchmark, c.prompt_format, c.probe): c for c in plan.cells}.values())


def _outputs_differ(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    cells = [cell for cell in _one_judge(plan) if not cell.probe]
    initial = {(c.benchmark, c.prompt_format): _texts(c, store) for c in cells if c.arm == INITIAL}
    changed: dict[tuple[str, int | None], list[int]] = {}
    for cell in cells:
        if cell.arm != INITIAL:
            pairs = zip(_texts(cell, store), initial[cell.benchmark, cell.prompt_format], strict=True)
            changed.setdefault((cell.arm, cell.training_seed), []).append(sum(a != b for a, b in pairs))
    dead = [f"{arm} seed {seed}" for (arm, seed), counts in changed.items() if sum(counts) == 0]
    if dead:
        yield Diagnostic(
            "outputs differ",
            "error",
            ", ".join(dead),
            "not one response differs from the initial model's: the checkpoint had no effect, or was not loaded",
        )
    else:
        fewest = min((sum(counts) for counts in changed.values()), default=0)
        yield Diagnostic(
            "outputs differ",
            "ok",
            "all runs",
            f"every run changes responses of the initial model (at least {fewest:,})",
        )


def _seeds_differ(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    by_arm: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for (arm, seed), key in plan.runs.items():
        by_arm.setdefault(arm, []).append((seed, store.manifest("tune", key)["facts"]))
    same, order_only = [], []
    for arm, runs in by_arm.items():
        finals = [facts["final_sha256"] for _, facts in runs]
        initials = {facts["initial_sha256"] for _, facts in runs}
        if len(set(finals)) < len(finals):
            same.append(arm)
        elif len(runs) > 1 and len(initials) == 1:
            order_only.append(arm)
    if same:
        yield Diagnostic(
            "training seeds differ",
            "error",
            ", ".join(same),
            "two training seeds ended with the same "
            "weights: they are one run, and the between-seed spread is too small",
        )
    if order_only:
        yield Diagnostic(
            "training seeds differ",
            "warning",
            ", ".join(order_only),
            "seeds start from the same weights and differ in data order (and dropout) only",
        )
    if not same and not order_only:
        yield Diagnostic(
            "training seeds differ", "ok", "all arms", "every run has its own initial adapter and its own final weights"
        )


def _facts(cells: Iterable[Cell], store: Store) -> Iterator[tuple[Cell, Mapping[str, Any]]]:
    for cell in cells:
        yield cell, store.manifest("generate", cell.responses_key)["facts"]


def _one_bos(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    worst = max((facts["most_bos"] for _, facts in _facts(_one_judge(plan), store)), default=0)
    if worst > 1:
        yield Diagnostic(
            "one BOS",
            "error",
            "prompts",
            f"prompts hold up to {worst} beginning-of-text tokens; the model was trained on one",
        )
    else:
        yield Diagnostic("one BOS", "ok", "prompts", f"at most {worst} beginning-of-text token per prompt")


def _same_prompts(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """Every arm must read the same tokens, through the same template."""
    seen: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for cell, facts in _facts(_one_judge(plan), store):
        place = (cell.benchmark, cell.prompt_format)
        seen.setdefault(place, set()).add((facts["prompts_sha256"], facts["template_sha256"]))
    differing = [f"{benchmark} ({form})" for (benchmark, form), hashes in seen.items() if len(hashes) > 1]
    if differing:
        yield Diagnostic("same prompts", "error", ", ".join(differing), "arms read different prompt tokens")
    else:
        yield Diagnostic("same prompts", "ok", "all arms", "every arm read the same prompt tokens and template")


def _replicates_differ(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    first = next((cell for cell in _one_judge(plan) if cell.arm == INITIAL), None)
    responses = read_responses(store, first.responses_key) if first else []
    by_item: dict[str, set[str]] = {}
    for response in responses:
        by_item.setdefault(response.item, set()).add(response.text)
    if len(responses) == len(by_item):
        return
    varied = sum(len(texts) > 1 for texts in by_item.values())
    yield Diagnostic(
        "replicates differ",
        "ok" if varied else "error",
        "initial model",
        f"replicates differ on {varied} of {len(by_item)} items",
    )


def _noise_floor(plan: Plan, store: Store, primary: str, outcome: str) -> Iterator[Diagnostic]:
    """Base against base: how far the initial model is from itself, measured twice."""
    once = {
        (c.benchmark, c.prompt_format): c for c in plan.cells if c.arm == INITIAL and c.judge == primary and not c.probe
    }
    for again in (cell for cell in plan.cells if cell.probe):
        cell = once[again.benchmark, again.prompt_format]
        pairs = list(zip(_texts(cell, store), _texts(again, store), strict=True))
        changed = sum(a != b for a, b in pairs)
        shift = _rate_difference(cell, again, store, outcome)
        moved = "" if shift is None else f"; the {outcome} rate moves by {100 * shift:+.1f} points"
        yield Diagnostic(
            "A/A noise floor",
            "ok" if not changed else "info",
            again.benchmark,
            f"the initial model measured twice, in other batches: {changed} of {len(pairs)} responses differ{moved}",
        )


def _rate_difference(one: Cell, other: Cell, store: Store, outcome: str) -> float | None:
    means = [judgment_frame(cell, store).filter(outcome=outcome)["value"].mean() for cell in (one, other)]
    if not all(isinstance(mean, float) for mean in means):
        return None
    return float(means[1]) - float(means[0])  # type: ignore[arg-type]


def _training_sets(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    for arm, key in plan.sets.items():
        for note in store.manifest("data", key)["facts"]["notes"]:
            yield Diagnostic("training set", "info", arm, note)


def _runs(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    told: set[str] = set()
    for (arm, _), key in plan.runs.items():
        facts = store.manifest("tune", key)["facts"]
        if arm in told or not (facts["rows_cut"] or facts["rows_left_out"]):
            continue
        told.add(arm)
        yield Diagnostic(
            "training rows",
            "warning",
            arm,
            f"{facts['rows_cut']} of {facts['rows']} answers were cut at "
            f"the length limit, {facts['rows_left_out']} rows left out because their prompt fills it",
        )
