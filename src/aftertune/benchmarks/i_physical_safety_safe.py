"""I-PhysicalSafetySafe: reasons for safe behaviour in everyday situations."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-PhysicalSafetySafe",
    sha256="34c874532623e405fb574f0fa8d6b86cbecce0e3340f67b146a6a6bc2453bed6",
    n_items=100,
    direction="answer",
    measures="Over-refusal on 100 instructions to give reasons for safe everyday behaviour.",
    limits="Made from templates of SafeText (Levy et al. 2022, arXiv:2210.10045); some sentences are broken.",
)
