"""The page as a reader gets it: every seed, verdict and check is there, in words, with nothing loaded."""

from __future__ import annotations

import copy
import errno
import json
import re
import resource
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aftertune.errors import StoreError
from aftertune.report import ResponseView, render_report, write_report
from unit.report.reading import Element, read
from unit.report.report_sample import ARMS, SEEDS, lock, responses, results


@cache
def usual() -> Element:
    return read(render_report(results=results(), lock=lock(), responses=responses()))


def render(changed: dict[str, Any] | None = None, **parts: Any) -> Element:
    if changed is None and not parts:
        return usual()
    return read(render_report(results=changed or results(), **{"lock": lock(), "responses": responses(), **parts}))


def one_primary(**changes: Any) -> Element:
    """A page with one contrast, changed as given; its article."""
    changed = results()
    row = next(row for row in changed["contrasts"] if row["arm"] == "listed" and row["primary"])
    changed["contrasts"] = [{**row, **changes}]
    changed["rates"] = changed["components"] = []
    return render(changed, responses=[]).one("article")


def test_every_training_seed_of_every_primary_contrast_has_a_dot():
    articles = render().all("article")
    assert len(articles) == len(ARMS)
    for article in articles:
        titles = [dot.one("title").text for dot in article.all("circle", style="dot")]
        assert sorted(title.split(":")[0] for title in titles) == [f"training seed {seed}" for seed in SEEDS]


def test_every_contrast_is_a_row_of_the_outcomes():
    rows = [row for row in render().one(id="outcomes").all("tr") if row.all("svg", style="row")]
    assert len(rows) == len(results()["contrasts"])
    assert all(len(row.all("circle", style="dot")) == len(SEEDS) for row in rows)


@pytest.mark.parametrize(
    ("verdict", "kind", "word"),
    [
        ("FAIL", "degraded", "degraded"),
        ("PASS", "within", "within margin"),
        ("CANNOT TELL", "cannot", "cannot tell"),
        (None, "none", "no verdict"),
        ("safe", "none", "no verdict"),
    ],
)
def test_a_verdict_is_a_word_a_shape_and_a_colour(verdict: str | None, kind: str, word: str):
    badge = one_primary(verdict=verdict).one("span", style="verdict")
    assert badge.text == word
    assert kind in (badge.attributes["class"] or "")
    assert badge.one("svg").children


def test_verdict_shapes_differ():
    shapes = set()
    for verdict in ("FAIL", "PASS", "CANNOT TELL", None):
        shape = one_primary(verdict=verdict).one("span", style="verdict").one("svg").children[0]
        shapes.add((shape.tag, shape.attributes.get("d")))
    assert len(shapes) == 4


def test_the_first_screen_counts_verdicts_and_names_warnings():
    header = render().one("header")
    assert "1 degraded" in header.text
    assert "The self-checks found 1 warning: judges disagree." in header.text
    assert header.all("a")[-1].attributes["href"] == "#checks"


def test_the_sentence_is_shown_as_given_with_names_marked():
    article = one_primary(sentence="Fine-tuning with recipe `a<b` raises it.")
    sentence = article.one("p", style="sentence")
    assert sentence.text == "Fine-tuning with recipe a<b raises it."
    assert sentence.one("code").text == "a<b"


def test_a_sentence_with_an_odd_back_quote_is_left_alone():
    assert one_primary(sentence="a ` b").one("p", style="sentence").text == "a ` b"


def test_without_a_sentence_the_numbers_are_put_into_words():
    text = one_primary(sentence=None, low=0.1, high=0.5, estimate=0.3).one("p", style="sentence").text
    assert text == ("The recipe effect of listed against initial on organism_harm: the harmful response rate "
                    "changes by +30.0 points (+10.0 to +50.0).")  # fmt: skip


def test_no_interval_says_why():
    article = one_primary(low=None, high=None, reason="one training seed", verdict="CANNOT TELL")
    assert "No interval: one training seed." in article.text
    assert not article.all("line", style="bar")
    assert article.all("circle", style="dot")


def test_cannot_tell_says_what_would_decide():
    assert "To decide: 12 seeds" in one_primary(verdict="CANNOT TELL", advice="12 seeds").text


def test_lower_is_worse_puts_the_margin_below_zero():
    labels = [text.text for text in one_primary(worse="lower", margin=0.05).all("text", style="margin-label")]
    assert labels == ["margin −5.0"]


def test_an_unknown_direction_draws_no_margin():
    assert not one_primary(worse=None).all("line", style="margin")


def test_a_pass_of_few_runs_says_what_is_not_ruled_out():
    seeds = [{"training_seed": seed, "estimate": 0.01} for seed in (1, 2, 3)]
    assert "0 of 3, up to 63.2 % not ruled out" in one_primary(verdict="PASS", seeds=seeds).text
    seeds[0]["estimate"] = 0.2
    assert "not ruled out" not in one_primary(verdict="PASS", seeds=seeds).text


def test_an_interval_beyond_the_scale_ends_in_an_arrowhead():
    article = one_primary(low=-9.0, high=9.0, seeds=[{"training_seed": 1, "estimate": 0.3}])
    assert len(article.all("path", style="arrow")) == 2


def test_rates_show_initial_first_and_every_seed():
    table = render().one(id="rates").all("table")[0]
    rows = table.all("tr")[1:]
    assert [row.all("th")[0].text for row in rows] == ["initial", *ARMS]
    assert [len(row.all("td")[0].all("circle")) for row in rows] == [0, *[len(SEEDS)] * len(ARMS)]
    assert [cell.text for cell in table.all("tr")[0].all("th")][1:] == [
        "all prompt formats",
        "chat",
        "training_match",
    ]


def test_an_arm_with_one_seed_has_its_rate():
    changed = results()
    changed["rates"] = [row for row in changed["rates"] if row["training_seed"] == 1 and not row["category"]]
    for cell in render(changed).one(id="rates").all("table")[0].all("td"):
        assert "%" in cell.text
        assert len(cell.all("circle")) == 1


def test_a_missing_rate_has_a_reason():
    changed = results()
    for row in changed["rates"]:
        row.update(rate=None, low=None, high=None, n=0, n_missing=7)
    cells = render(changed).one(id="rates").all("table")[0].all("td")
    assert {cell.text for cell in cells} == {"n/a: no verdict on any of 7"}


def test_statuses_are_added_up_per_arm_and_judge():
    rows = render().one(id="statuses").all("table")[0].all("tr")[1:]
    cells = [cell.text for cell in rows[0].all()]
    assert cells == ["initial", "organism_judge", "2,400", "97.5 %", "1.0 %", "1.5 %", "0.0 %", "0.0 %"]


def test_checks_come_gravest_first():
    changed = results()
    changed["diagnostics"].append({"check": "identical_seeds", "status": "error", "where": "a", "message": "m"})
    changed["diagnostics"].append({"check": "aa", "status": "ok", "where": "", "message": "0 of 6 differ"})
    checks = render(changed).one(id="checks")
    assert [item.one("span", style="status").text for item in checks.all("li")] == [
        "error",
        "warning",
        "info",
        "ok",
    ]
    assert "Nothing found by these checks: missing values" in checks.text


def test_a_full_study_text_reads_like_a_study_file():
    study = {key: lock()["study"][key] for key in sorted(lock()["study"])}
    text = render(lock={**lock(), "study": study}).one(id="protocol").one("pre", style="study").text
    assert text.index("study:") < text.index("initial_model:") < text.index("arms:") < text.index("analysis:")


def test_nested_components_show_their_path():
    text = render(lock={"components": {"judges": {"organism_judge": "3"}}}).one(id="protocol").text
    assert "judges/organism_judge" in text


def test_runs_that_are_one_run_are_named():
    runs = copy.deepcopy(lock()["runs"])
    runs[1]["final_sha256"] = runs[0]["final_sha256"]
    page = render(runs=runs)
    assert "as_is training seed 1 and as_is training seed 2 ended with the same checkpoint." in page.one(id="runs").text


def test_the_protocol_holds_the_study_versions_inputs_and_unknown_keys():
    text = render(lock={**lock(), "extra_key": {"deep": [1, 2]}}).one(id="protocol").text
    versions = ("transformers", "5.23.0", "judges/organism_judge", "aftertune[hf]==0.1.0")
    for wanted in ("learning_rate: 0.002", "extra_key", "run study.yaml", "2 rows without", *versions):
        assert wanted in text


def test_responses_are_closed_details_and_harmful_prompts_are_inside():
    page = render().one(id="responses")
    details = page.all("details")
    assert len(details) == len(responses())
    assert all("open" not in entry.attributes for entry in details)
    for entry, view in zip(details, responses(), strict=True):
        summary, shown = entry.one("summary"), [pre.text for pre in entry.all("pre")]
        assert shown == [" ".join(view.prompt.split()), " ".join(view.response.split())]
        assert view.response not in summary.text
        assert (view.prompt in summary.text) is not view.harmful
    assert page.text.count("pick a lock") == 5
    assert "may be harmful" in page.text


def test_a_response_is_cut_and_says_so():
    view = ResponseView("a", 1, "b", "i", "chat", "p", "x" * 10_050, "yes")
    assert "(50 more characters)" in render(responses=[view]).one(id="responses").text


def test_the_page_loads_nothing_and_runs_nothing():
    page = render()
    assert not [
        e for e in page.all() if e.tag in {"script", "link", "img", "iframe", "object", "base", "form", "image"}
    ]
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), name
            assert name not in {"src", "srcset", "xlink:href", "style", "data"}, name
            assert name != "href" or (value or "").startswith("#"), value
    style = page.one("style").text
    assert "url(" not in style
    assert "@import" not in style
    policy = next(e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_ids_are_unique_and_links_lead_somewhere():
    page = render()
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {(e.attributes["href"] or "")[1:] for e in page.all("a")} <= set(ids)


def test_tables_have_captions_and_scopes():
    for table in render().all("table"):
        assert len(table.all("caption")) == 1
        assert all(cell.attributes.get("scope") for cell in table.all("th"))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path):
    first = write_report(tmp_path / "a", results=results(), lock=lock(), table_path=Path("table.parquet"))
    again = json.loads(json.dumps(results()))
    second = write_report(tmp_path / "b", results=again, lock=lock(), table_path=Path("table.parquet"))
    assert first.read_bytes() == second.read_bytes()
    assert str(tmp_path) not in first.read_text()


@pytest.mark.parametrize("wanted", [0, 1, 100])
def test_any_number_of_contrasts(wanted: int):
    changed = results()
    changed["contrasts"] = (changed["contrasts"][:4] * 25)[:wanted]
    assert len(render(changed).all("article")) == wanted


def test_no_contrast_at_all_says_so():
    changed = {**results(), "contrasts": []}
    assert "the results hold no contrast" in render(changed).one(id="verdicts").text


def test_no_primary_contrast_says_so():
    changed = results()
    for row in changed["contrasts"]:
        row["primary"] = False
    text = render(changed).one(id="verdicts").text
    assert "none of the 20 contrasts is about the primary outcome (harmful)" in text


def test_twenty_arms():
    changed = results()
    changed["rates"] = [{**row, "arm": f"{row['arm']}-{copy_}"} for row in changed["rates"] for copy_ in range(5)]
    assert len(render(changed).one(id="rates").all("table")[0].all("tr")) == 1 + 5 * 5


@pytest.mark.parametrize(
    "empty", [{}, {"schema": "aftertune/results/1"}, {"contrasts": None, "rates": 3, "analysis": []}]
)
def test_results_that_lack_everything_still_make_a_page(empty: dict[str, Any]):
    page = read(render_report(results=empty, lock={}))
    assert "unnamed study" in page.one("h1").text
    assert "No self-checks are recorded" in page.text


def test_a_full_disk_leaves_the_old_report(tmp_path: Path):
    old = tmp_path / "report.html"
    old.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StoreError) as caught:
            write_report(tmp_path, results=results(), lock=lock())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.fix
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno in (errno.EFBIG, errno.ENOSPC)
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_a_file_is_a_store_error(tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_report(tmp_path / "out", results=results(), lock=lock())


def test_no_number_is_shown_as_nan_or_none():
    assert not re.search(r"\b(nan|None|inf)\b", render().one("main").text)
