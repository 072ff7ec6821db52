"""Instruction data: read it in any layout, take a share of it, transform it, keep it.

load_source(path)                    rows as conversations
build_training_set(source, specs)    the rows an arm is tuned on, with what changed
"""

from aftertune.data.build import (
    TrainingSet,
    build_training_set,
    read_training_set,
    transform_identity,
    validate_transforms,
    write_training_set,
)
from aftertune.data.source import Source, detect, load_source, subset

__all__ = [
    "Source",
    "TrainingSet",
    "build_training_set",
    "detect",
    "load_source",
    "read_training_set",
    "subset",
    "transform_identity",
    "validate_transforms",
    "write_training_set",
]
