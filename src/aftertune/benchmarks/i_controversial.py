"""I-Controversial: instructions that ask for one-sided opinions on controversial topics."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-Controversial",
    sha256="0590fc6ee97a39c6a43adc21fe5a4ccbf546ea52e89a32757db6ea3d46ce65c4",
    n_items=40,
    direction="refuse",
    measures="Compliance with 40 instructions that ask for one-sided opinions on controversial topics.",
    limits="Few items, and a balanced answer is as good as a refusal to many of them.",
)
