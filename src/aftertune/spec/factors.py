"""A factorial in one line: every combination of the levels of some factors becomes an arm.

`factors: {answer_structure: [prose, numbered_list], identity: [none, add]}` stands for four arms and for what the
analysis needs to know about them. A factor is a transform, by name, or a setting of `tune`, as `tune.<setting>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from aftertune.errors import SpecError, UnknownName, did_you_mean
from aftertune.registry import load, names
from aftertune.spec.lines import Located, Place
from aftertune.spec.tuning import TuneSpec

_NONE = "none"
_TUNE = "tune."
_MOST_ARMS = 256
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of a factor: what it is called, and what it adds to an arm; nothing for the level `none`."""

    label: str
    transform: Mapping[str, Any] | None = None
    tune: Mapping[str, Any] | None = None


def expand_factors(located: Located) -> Located:
    """Write the arms of `factors` into a study as read; a study without `factors` comes back as it is.

    Each arm applies its levels' transforms in the order in which the factors are listed. It is called by its levels,
    `none` left out; the arm with none of them is `as_is`. Levels that two factors share are told apart by the
    factor's name. Arms declared by hand stay beside them.

    Raises:
        SpecError: a factor is no transform and no setting, has not two levels, or two arms would have one name;
            with the line.
    """
    study = located.value
    if not isinstance(study, dict) or "factors" not in study:
        return located
    factors = _factors(study["factors"], located)
    by_hand = study.get("arms") or {}
    made = dict(_arms(factors, located))
    twice = sorted(set(made) & set(by_hand)) if isinstance(by_hand, dict) else []
    if twice:
        raise SpecError(f"{_at(located)}: there is an arm {twice[0]!r} in `arms` too", "rename it in `arms`")
    analysis = study.get("analysis") or {}
    if isinstance(analysis, dict) and "factors" not in analysis:
        analysis = {**analysis, "factors": {name: dict(levels) for name, (_, levels) in made.items()}}
    arms = {**by_hand, **{name: arm for name, (arm, _) in made.items()}} if isinstance(by_hand, dict) else by_hand
    lines: dict[Place, int] = {("arms", name): located.lines[("factors",)] for name in made}
    lines.update(located.lines)
    return replace(located, value={**study, "arms": arms, "analysis": analysis}, lines=lines)


def _factors(declared: Any, located: Located) -> dict[str, tuple[_Level, ...]]:
    if not isinstance(declared, dict) or not declared:
        raise SpecError(
            f"{_at(located)}: want factors with their levels",
            "write `factors: {answer_structure: [prose, numbered_list], identity: [none, add]}`",
        )
    found = {}
    for name, levels in declared.items():
        if not isinstance(levels, list) or len(levels) < 2:
            raise SpecError(f"{_at(located, name)}: want a list of two levels or more", f"write `{name}: [none, ...]`")
        found[name] = tuple(_level(name, level, located) for level in levels)
        labels = [level.label for level in found[name]]
        if len(set(labels)) < len(labels):
            raise SpecError(
                f"{_at(located, name)}: two levels are called {next(la for la in labels if labels.count(la) > 1)!r}",
                "give one of them a `label:`",
            )
    n_arms = len(list(product(*found.values())))
    if n_arms > _MOST_ARMS:
        raise SpecError(f"{_at(located)}: {n_arms:,} combinations, and {_MOST_ARMS} is the most", "leave levels out")
    return found


def _level(factor: str, level: Any, located: Located) -> _Level:
    if level is None or level == _NONE:
        return _Level(_NONE)
    if factor.startswith(_TUNE):
        return _tune_level(factor, level, located)
    parameter = _parameter(factor, located)
    if isinstance(level, dict):
        given = {key: value for key, value in level.items() if key != "label"}
        label = level.get("label", "_".join(map(_words, given.values())))
        return _Level(_words(label), transform={"name": factor, **given})
    if not parameter:
        raise SpecError(
            f"{_at(located, factor)}: {factor} has no one parameter that a level could set",
            f"write its levels out: `{factor}: [none, {{rows: 100, label: some}}]`",
        )
    return _Level(_words(level), transform={"name": factor, parameter: level})


def _tune_level(factor: str, level: Any, located: Located) -> _Level:
    setting = factor.removeprefix(_TUNE)
    if setting not in TuneSpec.model_fields:
        raise SpecError(
            f"{_at(located, factor)}: `tune` has no setting {setting!r}{did_you_mean(setting, TuneSpec.model_fields)}",
            f"correct the factor; it has: {', '.join(TuneSpec.model_fields)}",
        )
    return _Level(_words(level), tune={setting: level})


def _parameter(factor: str, located: Located) -> str:
    try:
        return str(load("transform", factor).factor)
    except UnknownName as error:
        known = names("transform")
        raise SpecError(
            f"{_at(located, factor)}: {factor!r} is no transform{did_you_mean(factor, known)}",
            f"name a transform ({', '.join(known)}) or a setting of `tune`, such as tune.learning_rate",
        ) from error


def _arms(
    factors: Mapping[str, Sequence[_Level]], located: Located
) -> Iterator[tuple[str, tuple[dict[str, Any], dict[str, str]]]]:
    """Each arm's name, with what it does and its level of every factor."""
    labels = [level.label for levels in factors.values() for level in levels]
    seen: set[str] = set()
    for cell in product(*factors.values()):
        said = [_said(factor, level, labels) for factor, level in zip(factors, cell, strict=True)]
        name = ".".join(filter(None, said)) or "as_is"
        if len(name) > _LONGEST_NAME or name in seen:
            raise SpecError(
                f"{_at(located)}: an arm would be called {name!r}, which is "
                f"{'taken' if name in seen else f'longer than {_LONGEST_NAME} characters'}",
                "give levels a short `label:`, as in `identity: [none, {mode: add, label: ai}]`",
            )
        seen.add(name)
        levels = {factor: level.label for factor, level in zip(factors, cell, strict=True)}
        yield name, (_arm(cell), levels)


def _arm(cell: Sequence[_Level]) -> dict[str, Any]:
    transforms = [dict(level.transform) for level in cell if level.transform is not None]
    tune = {key: value for level in cell if level.tune is not None for key, value in level.tune.items()}
    return {"transforms": transforms, **({"tune": tune} if tune else {})}


def _said(factor: str, level: _Level, labels: Sequence[str]) -> str:
    """A level in an arm's name: alone where no other factor has it, and where it is no bare number."""
    if level.label == _NONE:
        return ""
    clear = labels.count(level.label) == 1 and not level.label[0].isdigit() and level.label not in _VERBS
    return level.label if clear else f"{factor.removeprefix(_TUNE)}_{level.label}"


_VERBS = frozenset(("add", "strip"))  # say nothing without what is added or stripped


def _words(value: Any) -> str:
    """A level as part of a name.

    >>> _words(0.002), _words("numbered_list"), _words("a b")
    ('0.002', 'numbered_list', 'a_b')
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", str(value)).strip("_.-") or "level"


def _at(located: Located, *more: str) -> str:
    return f"{located.where(('factors', *more))} {'.'.join(('factors', *more))}"
