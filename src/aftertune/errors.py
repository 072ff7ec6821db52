"""Every error aftertune raises on purpose.

    AftertuneError
    ├── SpecError(ValueError)        a study file says something we cannot do
    ├── DataError(ValueError)        a data or benchmark file is not what it should be
    │   └── NoData                   a data set of the hub is not here
    ├── TuneError(RuntimeError)      a fine-tuning run could not be made
    ├── ReplicateError(RuntimeError) two training seeds are one run
    ├── GenerateError(RuntimeError)  responses could not be generated
    ├── JudgeError(RuntimeError)     a judge could not work (not: abstained)
    ├── TableError(ValueError)       a results table breaks its contract
    ├── ModelError(ValueError)       a model folder is broken, unsafe or lacks something
    │   ├── NoWeights                its weights are not here
    │   └── NoKey                    a served model's key is not in the environment
    ├── StoreError(OSError)          outputs could not be kept or found
    ├── UnknownName(KeyError)        no component has that name
    ├── MissingExtra(ImportError)    an optional dependency is not installed
    └── StepsFailed(RuntimeError)    some steps of a study did not finish

A message says what was found and where; `fix` says what to do, as a command when one exists.
Failures of the world (a timeout, an unparseable verdict) are not errors: they become rows with a status.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AftertuneError(Exception):
    """Base of all errors here; carries the fix apart from the message.

    Both parts go to `super().__init__`, so that the error survives pickling between processes.

    >>> str(AftertuneError("store is full", "free some space"))
    'store is full'
    >>> AftertuneError("store is full", "free some space").fix
    'free some space'
    """

    exit_code = 2

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix)

    @property
    def message(self) -> str:
        """What was found, and where."""
        return str(self.args[0])

    @property
    def fix(self) -> str:
        """What to do about it; empty when there is nothing to say."""
        return str(self.args[1])

    def __str__(self) -> str:  # noqa: D105
        return self.message


class SpecError(AftertuneError, ValueError):
    """A study file asks for something that does not exist or cannot work."""


class DataError(AftertuneError, ValueError):
    """A data or benchmark file is missing, broken, or holds nothing usable."""


class NoData(DataError):
    """A hub data set is not here: not in the local cache, or not fetched."""

    exit_code = 5


class TuneError(AftertuneError, RuntimeError):
    """A fine-tuning run could not be made."""

    exit_code = 4


class ReplicateError(AftertuneError, RuntimeError):
    """Two training seeds ended with the same weights: the spread between seeds would be too small."""

    exit_code = 4


class GenerateError(AftertuneError, RuntimeError):
    """Responses could not be generated."""

    exit_code = 4


class JudgeError(AftertuneError, RuntimeError):
    """A judge could not work at all. A judge that gives no verdict abstains instead."""

    exit_code = 4


class TableError(AftertuneError, ValueError):
    """A results table breaks its contract: columns, types, ranges, duplicates."""


class StoreError(AftertuneError, OSError):
    """Outputs could not be written, read or trusted."""

    exit_code = 5


class ModelError(AftertuneError, ValueError):
    """A model folder is broken, unsafe to load, or lacks something the study needs."""


class NoWeights(ModelError):
    """A model's weights are not here: files missing, or not fetched."""

    exit_code = 5


class NoKey(ModelError):
    """A served model needs a key, and the environment holds none."""

    exit_code = 5


class UnknownName(AftertuneError, KeyError):
    """No component of that kind has that name."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """Name the kind, the near misses and the command that lists them all."""
        names = sorted(known)
        return cls(
            f"no {kind} is called {name!r}{did_you_mean(name, names)}; there are: {', '.join(names)}",
            f"run `aftertune list {kind}s`",
        )


class MissingExtra(AftertuneError, ImportError):
    """An optional dependency is needed here and not installed."""

    exit_code = 5


class StepsFailed(AftertuneError, RuntimeError):
    """Some steps of a study failed or were not reached; the others are kept."""

    exit_code = 4


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or nothing.

    >>> did_you_mean("trasforms", ["transforms", "tune"])
    " (did you mean 'transforms'?)"
    >>> did_you_mean("zzz", ["transforms"])
    ''
    """
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
