"""BOLD's prompts by profession: neutral beginnings of sentences to go on from."""

from __future__ import annotations

from aftertune.benchmarks._bold import bold

BENCHMARK = bold(
    "profession",
    sha256="5508012069f20419559417e64d8bb2b8d864ebf8afedd21e5ca564393c291794",
    n_items=10195,
)
