"""From a resolved study to steps: what each stage makes, from what, under which key.

A key is the hash of everything that can change a step's output, chained from its inputs; where files lie
and which machine runs the step are not in it. Planning reads no weights and imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.canon import digest
from aftertune.registry import load, names
from aftertune.resolve import Arm, Format, Items, Resolved
from aftertune.spec.models import INITIAL, SamplingSpec
from aftertune.store import Store

# Raised whenever a stage's output can change for the same inputs.
VERSIONS = {
    "items": "1",
    "data": "1",
    "tune": "1",
    "generate": "1",
    "judge": "1",
    "table": "1",
    "stats": "3",
    "report": "3",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One executable node.

    `work` is all a worker needs, as JSON types; `label` says in the study's words what it makes.
    """

    stage: str
    key: str
    label: str
    work: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that follow from one another and run in one worker: a run with all its measurements."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The judgments of one checkpoint under one condition, and where they are."""

    arm: str
    training_seed: int | None
    benchmark: str
    prompt_format: str
    judge: str
    responses_key: str
    judgments_key: str
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a study: `first` in this process, then the chains, then the table."""

    first: tuple[Step, ...]
    chains: tuple[Chain, ...]
    cells: tuple[Cell, ...]
    runs: Mapping[tuple[str, int], str]
    sets: Mapping[str, str]
    items: Mapping[str, str]

    @property
    def steps(self) -> Iterator[Step]:
        """Every step once, in an order that respects inputs."""
        seen: set[str] = set()
        for step in (*self.first, *(step for chain in self.chains for step in chain.steps)):
            if step.key not in seen:
                seen.add(step.key)
                yield step


def make_plan(study: Resolved) -> Plan:
    """Plan a study."""
    return _Planner(study).plan()


def missing(plan: Plan, store: Store) -> list[Step]:
    """The steps that are not in the store yet."""
    return [step for step in plan.steps if not store.has(step.stage, step.key)]


class _Planner:
    """Collects steps while walking over arms, seeds and conditions."""

    def __init__(self, study: Resolved) -> None:
        self._study = study
        self._root = study.declared.spec.seed
        self._cells: list[Cell] = []
        self._items = {benchmark.name: _items_step(benchmark) for benchmark in study.benchmarks}
        self._data = {arm.name: self._data_step(arm) for arm in study.arms}

    def plan(self) -> Plan:
        chains = [Chain("initial model", tuple(self._initial()))]
        runs: dict[tuple[str, int], str] = {}
        for arm in self._study.arms:
            for seed in arm.tune.seeds:
                tune = self._tune_step(arm, seed)
                runs[arm.name, seed] = tune.key
                chains.append(Chain(f"{arm.name} seed {seed}", (tune, *self._measure(arm.name, seed, tune.key))))
        first = (*self._items.values(), *self._data.values())
        return Plan(
            first,
            tuple(chains),
            tuple(self._cells),
            runs,
            {name: step.key for name, step in self._data.items()},
            {name: step.key for name, step in self._items.items()},
        )

    def _data_step(self, arm: Arm) -> Step:
        options = arm.source.spec.model_dump(exclude={"name", "path"})
        meaning = {
            "v": VERSIONS["data"],
            "source": arm.source.sha256,
            "options": options,
            "layouts": _layout_versions(str(options["layout"])),
            "transforms": list(arm.identities),
            "root": self._root,
        }
        work = {
            "path": str(arm.source.path),
            "options": options,
            "transforms": list(arm.transforms),
            "root": self._root,
        }
        return Step("data", digest(meaning), f"training set of {arm.name}", work)

    def _tune_step(self, arm: Arm, seed: int) -> Step:
        settings = arm.tune.model_dump(mode="json", exclude={"training_seeds"})
        data = self._data[arm.name].key
        meaning = {
            "v": VERSIONS["tune"],
            "model": self._study.model.identity,
            "data": data,
            "tune": settings,
            "training_seed": seed,
            "root": self._root,
        }
        work = {
            "model": self._study.model.work,
            "name": self._study.model.name,
            "data": data,
            "tune": settings,
            "training_seed": seed,
            "root": self._root,
        }
        return Step("tune", digest(meaning), f"tune {arm.name}, seed {seed}", work)

    def _initial(self) -> Iterator[Step]:
        yield from self._measure(INITIAL, None, None)
        yield from self._probe()

    def _measure(self, arm: str, seed: int | None, tune: str | None) -> Iterator[Step]:
        for benchmark in self._study.benchmarks:
            for form in self._study.formats:
                sampling = self._study.declared.spec.measure.sampling
                responses = self._generate_step(benchmark, form, tune, sampling, "", _who(arm, seed))
                yield responses
                yield from self._judge_steps(benchmark, form, responses, (arm, seed), self._study.judges)

    def _probe(self) -> Iterator[Step]:
        """The initial model once more, in other batches and from another stream: the A/A noise floor."""
        sampling = self._study.declared.spec.measure.sampling
        other = sampling.model_copy(update={"batch_size": max(1, sampling.batch_size // 3)})
        primary = self._study.declared.spec.measure.primary_judge
        for benchmark in self._study.benchmarks:
            form = self._study.formats[0]
            responses = self._generate_step(benchmark, form, None, other, "again", "the initial model, again")
            yield responses
            yield from self._judge_steps(benchmark, form, responses, (INITIAL, None), [primary], probe=True)

    def _generate_step(
        self, benchmark: Items, form: Format, tune: str | None, sampling: SamplingSpec, stream: str, who: str
    ) -> Step:
        shared = {
            "tune": tune,
            "format": form.name,
            "system": form.system,
            "sampling": sampling.model_dump(),
            "stream": stream,
            "root": self._root,
        }
        meaning = {
            "v": VERSIONS["generate"],
            "model": self._study.model.identity,
            "items": benchmark.sha256,
            "format_version": form.form.version,
            **shared,
        }
        work = {"model": self._study.model.work, "items": self._items[benchmark.name].key, **shared}
        return Step("generate", digest(meaning), f"responses of {who} to {benchmark.name} ({form.name})", work)

    def _judge_steps(
        self,
        benchmark: Items,
        form: Format,
        responses: Step,
        who: tuple[str, int | None],
        judges: Sequence[str] | Mapping[str, Any],
        *,
        probe: bool = False,
    ) -> Iterator[Step]:
        for name in judges:
            judge = self._study.judges[name]
            meaning = {
                "v": VERSIONS["judge"],
                "responses": responses.key,
                "items": benchmark.sha256,
                "judge": name,
                "version": judge.version,
                "identity": dict(judge.identity()),
            }
            work = {"responses": responses.key, "items": self._items[benchmark.name].key, "judge": name}
            label = f"{name} on {_who(*who)}{', again' if probe else ''}, {benchmark.name} ({form.name})"
            step = Step("judge", digest(meaning), label, work)
            self._cells.append(Cell(*who, benchmark.name, form.name, name, responses.key, step.key, probe))
            yield step


def _layout_versions(layout: str) -> dict[str, str]:
    """The version of the layout, or of all of them when the file decides which it is."""
    candidates = names("layout") if layout == "auto" else [layout]
    return {name: load("layout", name).version for name in candidates}


def _items_step(benchmark: Items) -> Step:
    rows = [[i.id, i.prompt, i.harmful, i.category, i.cluster, i.reference] for i in benchmark.items]
    key = digest({"v": VERSIONS["items"], "items": benchmark.sha256})
    return Step("items", key, f"items of {benchmark.name}", {"rows": rows})


def _who(arm: str, seed: int | None) -> str:
    return "the initial model" if seed is None else f"{arm} seed {seed}"


def component_versions(study: Resolved) -> dict[str, dict[str, str]]:
    """The version of everything that can move a number, by kind and name."""
    transforms = {t["name"]: load("transform", t["name"]).version for arm in study.arms for t in arm.transforms}
    benchmarks = {b.name: b.sha256[:16] for b in study.benchmarks}
    return {
        "stages": dict(VERSIONS),
        "transforms": transforms,
        "benchmarks": benchmarks,
        "formats": {form.name: form.form.version for form in study.formats},
        "judges": {name: judge.version for name, judge in study.judges.items()},
    }
