"""Public help for tests: studies with known truth."""

from aftertune.testing.simulate import Draw, Effects, Simulated, draw, simulate

__all__ = ["Draw", "Effects", "Simulated", "draw", "simulate"]
