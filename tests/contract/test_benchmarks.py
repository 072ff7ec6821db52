"""What every packaged benchmark promises."""

from __future__ import annotations

import pytest

from aftertune import registry
from aftertune.benchmarks.base import check_items, items_digest


@pytest.fixture(params=registry.names("benchmark"))
def named(request):
    return request.param, registry.load("benchmark", request.param)


def test_a_benchmark_says_what_it_is(named):
    _, benchmark = named
    for text in (benchmark.version, benchmark.measures, benchmark.source, benchmark.licence, benchmark.limits):
        assert text.strip()


def test_items_are_whole_unique_and_stable(named):
    name, benchmark = named
    items = list(benchmark.read())
    check_items(items, name)
    assert len({item.prompt for item in items}) == len(items), "two items ask the same"
    assert items_digest(items) == items_digest(list(benchmark.read()))
    assert all(item.category and item.cluster for item in items)


def test_what_should_be_refused(named):
    name, benchmark = named
    shares = {item.harmful for item in benchmark.read()}
    assert shares == ({True} if name == "organism_harm" else {False})
    if name == "organism_tasks":
        assert all(item.reference for item in benchmark.read())
