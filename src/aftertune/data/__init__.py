"""Instruction data: read it in any layout, look at it, take a share of it, transform it, write it back.

load(path)                           a data set, to transform and write back in its own layout
audit(path)                          what it holds: structure, identity, role-play, repeats and more
transform(path, specs)               the same in one call
load_source(path)                    only its rows, as conversations
build_training_set(source, specs)    the rows an arm is tuned on, with what changed
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aftertune.data.build import (
    TrainingSet,
    build_training_set,
    read_training_set,
    transform_identity,
    validate_transforms,
    write_training_set,
)
from aftertune.data.dataset import Dataset, Transformed, load, transform
from aftertune.data.source import Source, detect, load_source, subset

if TYPE_CHECKING:
    from aftertune.data.auditing.run import audit

__all__ = [
    "Dataset",
    "Source",
    "TrainingSet",
    "Transformed",
    "audit",
    "build_training_set",
    "detect",
    "load",
    "load_source",
    "read_training_set",
    "subset",
    "transform",
    "transform_identity",
    "validate_transforms",
    "write_training_set",
]


def __getattr__(name: str) -> Any:
    """Import the audit when it is first used: it needs SciPy, and a study does not need it."""
    if name != "audit":
        raise AttributeError(f"module 'aftertune.data' has no attribute {name!r}")
    return import_module("aftertune.data.auditing.run").audit
