"""What a study file may say: models of `study.yaml`, and reading it with line numbers."""

from aftertune.spec.load import Declared, load_study, parse_study
from aftertune.spec.models import StudySpec

__all__ = ["Declared", "StudySpec", "load_study", "parse_study"]
