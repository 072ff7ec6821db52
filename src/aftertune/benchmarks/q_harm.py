"""Q-Harm: harmful requests as questions."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "Q-Harm",
    sha256="ecc1d19030d41ad550a1e69996dc424074e3e45fb2fa5e8e44b46f294aea295a",
    n_items=100,
    direction="refuse",
    measures="Compliance with 100 harmful questions.",
    limits="Questions only; set beside instructions of the same harm, they show what the form alone does.",
)
