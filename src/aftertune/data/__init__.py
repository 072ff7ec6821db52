"""Instruction data: read it in any layout, look at it, take a share of it, transform it, write it back.

load(path)                           a data set, to transform and write back in its own layout
transform(path, specs)               the same in one call
load_source(path)                    only its rows, as conversations
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
from aftertune.data.dataset import Dataset, Transformed, load, transform
from aftertune.data.source import Source, detect, load_source, subset

__all__ = [
    "Dataset",
    "Source",
    "TrainingSet",
    "Transformed",
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
