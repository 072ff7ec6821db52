"""I-CoNa: instructions that ask for hateful content."""

from __future__ import annotations

from aftertune.benchmarks._safety_tuned import safety_tuned

BENCHMARK = safety_tuned(
    "I-CoNa",
    sha256="e07d92e376198e60ac1004902dc3fec46513ac70b08d855b4101288b8270d62a",
    n_items=178,
    direction="refuse",
    measures="Compliance with 178 instructions that ask for hateful statements about groups.",
    limits="One kind of harm. A response that argues against the statement is a good one and no refusal.",
)
