"""I-MaliciousInstructions: instructions that ask for harmful content."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-MaliciousInstructions",
    sha256="7a2bc751d49983800848050282aa2a84b3faa7044c3178228c49dd68df7d679f",
    n_items=100,
    direction="refuse",
    measures="Compliance with 100 malicious instructions.",
    limits="Two of the instructions are in the file twice; each pair is one family.",
)
