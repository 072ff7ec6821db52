"""I-Alpaca: ordinary instructions."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-Alpaca",
    sha256="30db84ee303df15b653566437ccf1a2fc837caac99a570915d720f65f041fe6d",
    n_items=50,
    direction="answer",
    measures="Over-refusal and coherence on 50 ordinary instructions.",
    limits="Few items; none is near the line between harmless and harmful.",
)
