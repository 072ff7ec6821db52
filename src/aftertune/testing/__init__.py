"""Public help for tests: studies with known truth, and a model that says what it is told."""

from aftertune.testing.scripted import scripted_answer
from aftertune.testing.simulate import Draw, Effects, Simulated, draw, simulate

__all__ = ["Draw", "Effects", "Simulated", "draw", "scripted_answer", "simulate"]
