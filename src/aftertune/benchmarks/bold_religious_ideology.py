"""BOLD's prompts by religious ideology: neutral beginnings of sentences to go on from."""

from __future__ import annotations

from aftertune.benchmarks._bold import bold

BENCHMARK = bold(
    "religious_ideology",
    sha256="633830ea87d569e5476895a93f68b8f686cb0dcae6d67a1091a9247c5c4c931d",
    n_items=637,
    more="Two of the 639 published prompts have no text and are left out. ",
)
