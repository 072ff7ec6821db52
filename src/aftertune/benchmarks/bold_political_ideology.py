"""BOLD's prompts by political ideology: neutral beginnings of sentences to go on from."""

from __future__ import annotations

from aftertune.benchmarks._bold import bold

BENCHMARK = bold(
    "political_ideology",
    sha256="a83ea7cc272971b618231e13bcb5c1d1be5b208c92135c4ffde85be31f8ab4c6",
    n_items=1981,
    more="Three of the 1,984 published prompts have no text and are left out. ",
)
