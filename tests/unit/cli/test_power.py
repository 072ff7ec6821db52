"""power: plans from a pilot or from numbers, every assumption said."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import aftertune
from aftertune.cli.app import app
from aftertune.results import read_results, write_results
from aftertune.stats.design import Design, items_for_gate, minimum_detectable_effect, seeds_for_gate
from aftertune.testing import simulate

SPREADS = ("--seed-sd", 0.03, "--item-sd", 0.148, "--interaction-sd", 0.194)


def call(*words):
    return CliRunner().invoke(app, ["power", *map(str, words)])


def plan(*words):
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words):
    result = call(*words)
    assert result.exit_code == 2, result.output
    return result.stderr


def planned(found):
    (row,) = [row for row in found["sizes"] if (row["n_seeds"], row["n_items"]) == (found["n_seeds"], found["n_items"])]
    return row


@pytest.fixture
def pilot(tmp_path):
    drawn = simulate(seed=2, changes={"a": 0.1, "b": 0.02}, n_items=120, n_seeds=4)
    write_results(aftertune.analyze(drawn.table, margin=0.08), tmp_path / "results.json")
    return tmp_path / "results.json"


def test_numbers_alone_give_the_reference_values():
    found = plan(*SPREADS, "--seeds", 5, "--items", 450, "--margin-pp", 5)
    design = Design(0.03, 0.148, 0.194)
    assert planned(found)["detectable"] == minimum_detectable_effect(design, n_seeds=5, n_items=450)
    assert round(planned(found)["detectable"], 3) == 0.056
    assert found["needs"]["seeds"] == seeds_for_gate(design, 0.05, n_items=450) == 5
    assert found["needs"]["items"] == 240


def test_without_anything_the_assumptions_are_said():
    shown = call().stdout
    assert shown.startswith("Spreads: no pilot; spreads assumed as in a study at a rate of 25 %\n")
    assert "at a margin of 5.0 points with 80 % power, if the true change for the worse is 0.0 points" in shown
    assert "<- planned" in shown
    assert "assumed: --item-sd, --interaction-sd" in call("--seed-sd", 0.02).stdout


def test_a_pilot_gives_spreads_sizes_level_and_margin(pilot):
    found = plan("--results", pilot)
    widest = max(
        (row for row in read_results(pilot).contrasts),
        key=lambda row: row.spread.seed**2 / 4 + row.spread.item**2 / 120 + row.spread.both**2 / 480,
    )
    assert found["pilot"]["source"].startswith(f"{widest.arm} against initial on simulated")
    assert found["pilot"]["design"]["seed"] == widest.spread.seed
    assert (found["n_seeds"], found["n_items"], found["margin"]) == (4, 120, 0.08)
    assert plan("--results", pilot, "--arm", "b")["pilot"]["source"].startswith("b against initial")


def test_the_spread_gives_back_the_interval_of_the_pilot(pilot):
    row = read_results(pilot).contrasts[0]
    seed, item = Design(row.spread.seed, row.spread.item, row.spread.both).parts(4, 120)
    assert seed == pytest.approx(row.parts["seed"] / 3.182446**2, rel=1e-5)
    assert item == pytest.approx(row.parts["item"] / 1.959964**2, rel=1e-5)


def test_two_tuned_arms_bring_the_seeds_of_both():
    drawn = simulate(seed=2, changes={"a": 0.1, "b": 0.02}, n_items=120, n_seeds=4)
    (row,) = aftertune.analyze(drawn.table, contrasts=[("a", "b")]).contrasts
    seed, _ = Design(row.spread.seed, row.spread.item, row.spread.both).parts(4, 120)
    both = row.parts["seed"] + row.parts["seed_against"]
    assert both / 3.182446**2 < seed < both / 1.959964**2


def test_more_seeds_find_less_and_the_gate_decides_more_often():
    sizes = plan(*SPREADS)["sizes"]
    assert [row["n_seeds"] for row in sizes] == [2, 3, 5, 10, 20]
    assert all(a["detectable"] > b["detectable"] for a, b in zip(sizes, sizes[1:], strict=False))
    assert all(a["decides"] < b["decides"] for a, b in zip(sizes, sizes[1:], strict=False))


def test_the_split_keeps_to_the_budget_and_beats_its_neighbours():
    words = (*SPREADS, "--budget", 200, "--run-cost", 10, "--response-cost", 0.04)
    split = plan(*words)["split"]
    assert split["n_seeds"] * (10 + 0.04 * split["n_items"]) <= 200
    for n_seeds in (split["n_seeds"] - 2, split["n_seeds"] + 2):
        n_items = int((200 / n_seeds - 10) / 0.04)
        other = minimum_detectable_effect(Design(0.03, 0.148, 0.194), n_seeds=n_seeds, n_items=n_items)
        assert other >= split["detectable"]


def test_a_budget_too_small_is_said():
    assert "It does not buy 3 training runs" in call(*SPREADS, "--budget", 2).stdout


def test_a_checkpoint_pilot_plans_items_only(tmp_path):
    drawn = simulate(seed=2, n_items=150, n_seeds=1)
    write_results(aftertune.analyze(drawn.table, claim="checkpoint"), tmp_path / "results.json")
    found = plan("--results", tmp_path, "--margin-pp", 5)
    assert found["needs"]["seeds"] is None
    assert found["split"] is None
    exact = items_for_gate(found["pilot"]["design"]["item"], 0.05)
    assert found["needs"]["items"] == pytest.approx(exact, rel=0.01)
    assert "training seeds and" not in call("--results", tmp_path).stdout


def test_a_change_at_the_margin_is_never_decided():
    assert "no size of study decides that" in call("--margin-pp", 5, "--effect-pp", 5).stdout


def test_a_pilot_of_one_seed_or_without_spread_is_refused(tmp_path):
    write_results(aftertune.analyze(simulate(seed=1, n_seeds=1, n_items=30).table), tmp_path / "results.json")
    said = refused("--results", tmp_path)
    assert "one training seed says nothing about the recipe" in said
    assert "--seed-sd" in said


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--seed-sd", "3"], "3 points are 0.03"),
        (["--seed-sd", "nan"], "--seed-sd is nan"),
        (["--seed-sd", "0", "--item-sd", "0", "--interaction-sd", "0"], "nothing varies"),
        (["--run-cost", "0"], "--run-cost is 0"),
        (["--budget", "0"], "--budget is 0"),
        (["--arm", "a"], "add --results"),
        (["--results", "none.json"], "no such file"),
        (["--seeds", "1"], "seeds"),
    ],
)
def test_numbers_that_cannot_be(words, word):
    assert word in refused(*words)


def test_a_pilot_and_numbers_together_are_refused(pilot):
    assert "not from both" in refused("--results", pilot, "--seed-sd", "0.1")
    assert "did you mean" in refused("--results", pilot, "--arm", "aa")
