"""The judges of a study: looked up, told their parameters, their files found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from aftertune.errors import SpecError, did_you_mean
from aftertune.judges.base import Finder, Judge, Params
from aftertune.registry import load
from aftertune.spec.load import Declared


def find_judges(declared: Declared, cache: dict[str, Any], *, fetch: bool) -> dict[str, Judge]:
    """A study's judges by what it calls them.

    Args:
        declared: The study as its file says it.
        cache: File fingerprints by path; read and filled.
        fetch: Whether a hub model may be fetched.

    Raises:
        UnknownName, SpecError, ModelError: with the place in the study and the fix.
    """
    finder = Finder(declared.path, cache, fetch)
    found = {}
    for place, spec in enumerate(declared.spec.measure.judges):
        with declared.at("measure", "judges", place):
            found[spec.called] = set_up(spec.name, spec.params, finder)
    return found


def set_up(name: str, given: Mapping[str, Any], finder: Finder) -> Judge:
    """One judge, ready to be opened.

    Args:
        name: Its registered name.
        given: Its parameters.
        finder: Finds the files they name.

    Raises:
        UnknownName: there is no such judge.
        SpecError, ModelError: a parameter is unknown, missing or has no legal value; a file is not usable.
    """
    judge: Judge = load("judge", name)
    try:
        params = judge.params.model_validate(dict(given))
    except ValidationError as error:
        problems = [_problem(found, judge.params) for found in error.errors()]
        raise SpecError(
            "; ".join(f"judge {name}: {what}" for what, _ in problems),
            "; ".join(dict.fromkeys(fix for _, fix in problems)),
        ) from error
    if judge.settle is None or judge.made is None:
        return judge
    return judge.made(judge.settle(params, finder))


def _problem(found: Any, params: type[Params]) -> tuple[str, str]:
    key, known = ".".join(map(str, found["loc"])), [*sorted(params.model_fields), "as", "name", "role"]
    if found["type"] == "extra_forbidden":
        return f"unknown key {key!r}{did_you_mean(key, known)}; known here: {', '.join(known)}", "correct or remove it"
    if found["type"] == "missing":
        return f"`{key}` is missing", f"add `{key}:`"
    if found["type"] == "literal_error":
        return f"`{key}`: {found['input']!r} is not one of {found['ctx']['expected']}", f"correct `{key}`"
    message = found["msg"].removeprefix("Value error, ")
    shown = f"`{key}`: " if key else ""
    return f"{shown}{message[:1].lower()}{message[1:]}", f"correct `{key}`" if key else "correct it"
