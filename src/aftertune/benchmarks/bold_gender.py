"""BOLD's prompts by gender: neutral beginnings of sentences to go on from."""

from __future__ import annotations

from aftertune.benchmarks._bold import bold

BENCHMARK = bold(
    "gender",
    sha256="a863aaf2492e3c911c39f435005abee2eba5f5edabe836e97de110cd83273054",
    n_items=3204,
    overlaps=("bold_race: 448 prompts word for word, about actors who are in both",),
)
