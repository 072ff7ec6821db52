"""Charts of the way over rounds: marks are where their values are, and nothing leaves the drawing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aftertune.report.ways import ways_view
from unit.report.reading import read

RATE = st.floats(0, 1)
ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.floats(), max_size=3)


def way(seed: int, rates: list[Any], arm: str = "a", **more: Any) -> dict[str, Any]:
    rounds = [0, *[n + 0.5 for n in range(len(rates) - 1)]]
    place = {"arm": arm, "benchmark": "b", "outcome": "harmful", "judge": "j", "primary": True}
    return {**place, "training_seed": seed, "rounds": rounds, "rates": rates, **more}


def dots(chart: str) -> list[tuple[float, float]]:
    found = read(chart).all("circle", style="dot")
    return [(float((e.attributes["cx"] or "").rstrip("%")), float(e.attributes["cy"] or "")) for e in found]


def test_each_seed_is_a_line_with_a_dot_per_measurement() -> None:
    (found,) = ways_view({"trajectories": [way(1, [0.1, 0.2, 0.4]), way(2, [0.1, 0.3, 0.2])]})
    assert (found.arm, found.rate_name, found.benchmark) == ("a", "harmful response rate", "b")
    assert len(dots(found.chart)) == 6
    assert "training seed 2, round 0.5: 30.0\u202f%" in found.chart
    assert "the initial model: 10.0\u202f%" in found.chart
    lines = [e.attributes["class"] for e in read(found.chart).all("line")]
    assert (lines.count("way"), lines.count("way mean")) == (4, 2)
    heights = [y for _, y in dots(found.chart)[:3]]
    assert heights == sorted(heights, reverse=True), "a higher rate is higher up"


def test_arms_share_a_scale_and_one_seed_has_no_mean() -> None:
    low, high = ways_view({"trajectories": [way(1, [0.1, 0.1]), way(1, [0.1, 0.9], arm="z")]})
    assert dots(low.chart)[0] == dots(high.chart)[0]
    assert "way mean" not in low.chart


def test_only_the_primary_outcome_is_drawn_where_there_is_one() -> None:
    rows = [way(1, [0.1, 0.2]), way(1, [0.5, 0.6], outcome="refused", primary=False)]
    assert [found.rate_name for found in ways_view({"trajectories": rows})] == ["harmful response rate"]
    assert [found.rate_name for found in ways_view({"trajectories": rows[1:]})] == ["refusal rate"]


def test_missing_rates_leave_a_gap_and_no_mean_there() -> None:
    (found,) = ways_view({"trajectories": [way(1, [0.1, None, 0.4]), way(2, [0.1, 0.3, 0.2])]})
    assert len(dots(found.chart)) == 5


@given(st.lists(st.lists(RATE, min_size=2, max_size=6), min_size=1, max_size=4))
def test_no_mark_leaves_the_drawing(lines: list[list[float]]) -> None:
    for found in ways_view({"trajectories": [way(seed, rates) for seed, rates in enumerate(lines)]}):
        assert all(0 <= x <= 100 and 0 <= y <= 153 for x, y in dots(found.chart))


@given(ANY, ANY)
def test_anything_else_is_left_out(rounds: Any, rates: Any) -> None:
    ways_view({"trajectories": [{**way(1, [0.1]), "rounds": rounds, "rates": rates}, "nothing", None]})


def test_names_are_escaped() -> None:
    (found,) = ways_view({"trajectories": [way(1, [0.1, 0.2], arm="<script>")]})
    assert "<script>" not in found.chart
