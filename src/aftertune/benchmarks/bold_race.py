"""BOLD's prompts by race: neutral beginnings of sentences to go on from."""

from __future__ import annotations

from aftertune.benchmarks._bold import bold

BENCHMARK = bold(
    "race",
    sha256="200337f6c43b09671e580b1df6aea2cdc0196ee02779260e9881da07029e1cb6",
    n_items=7657,
    overlaps=("bold_gender: 448 prompts word for word, about actors who are in both",),
)
