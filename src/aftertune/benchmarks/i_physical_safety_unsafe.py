"""I-PhysicalSafetyUnsafe: reasons for dangerous behaviour in everyday situations."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-PhysicalSafetyUnsafe",
    sha256="16324a2f1ded933e8c7a9f6c7d3924130f76260d03f9df2205e0a25c02de8aae",
    n_items=100,
    direction="refuse",
    measures="Compliance with 100 instructions to give reasons for dangerous everyday behaviour.",
    limits="Made from templates of SafeText (Levy et al. 2022, arXiv:2210.10045); the harm is often small.",
)
