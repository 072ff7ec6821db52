"""Any text, anywhere, may be hostile; any number may be missing or absurd."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftertune.report import ResponseView, render_report
from unit.report.reading import read
from unit.report.report_sample import ARMS, lock, results

NASTY = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "\"' onmouseover=alert(1) x='",
    "</title></svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[31mred\x1b[0m\x07\x00\x9b",
    "\u202eevil\u2066\u200b\ufeff",
    "\ud800 lone \udfff",
    "`" * 3,
    "a" * 10_000,
    "\ufffe\U0001fffe\U000e0041",
    "",
)
TAGS = {e.tag for e in read(render_report(results=results(), lock=lock())).all()}


def small() -> dict[str, Any]:
    """One arm on one benchmark, to be rendered many times."""
    full = results()
    keep = {"contrasts": 2, "rates": 9, "statuses": 2, "components": 6, "diagnostics": 8}
    return {**full, **{key: full[key][:n] for key, n in keep.items()}}


def replaced(value: Any, text: str) -> Any:
    """The same structure with every text replaced, except the words that are switches."""
    if isinstance(value, dict):
        return {key: replaced(entry, text) for key, entry in value.items()}
    if isinstance(value, list):
        return [replaced(entry, text) for entry in value]
    return text if isinstance(value, str) else value


def check(html: str) -> None:
    page = read(html)
    assert {e.tag for e in page.all()} <= TAGS | {"details", "summary", "q", "pre", "h4"}
    assert not any(name.startswith("on") for e in page.all() for name in e.attributes)
    html.encode("utf-8")
    invisible = {c for c in set(html) - {"\n", "\t", "\u00ad", "\u200c", "\u200d"}
                 if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn")}  # fmt: skip
    assert not invisible


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_everywhere(text: str):
    view = ResponseView(text, 1, text, text, text, text, text, text, False, text)
    keyed = {
        **replaced(lock(), text),
        text: {text: [text]},
        "components": {text: text},
        "runs": [{text: text}],
    }
    changed = replaced(small(), text)
    changed["contrasts"][0]["parts"] = {text: 0.1}
    html = render_report(results=changed, lock=keyed, table=text, responses=[view])
    check(html)
    assert "<script" not in html
    assert len(html) < 3_000_000


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_everywhere(text: str):
    view = ResponseView(text, None, text, text, text, text, text, text, False, text)
    check(render_report(results=replaced(small(), text), lock=replaced(lock(), text), responses=[view]))


ODD = st.sampled_from(
    [
        None,
        0,
        -1,
        1e308,
        -1e308,
        float("nan"),
        float("inf"),
        "",
        "text",
        [],
        {},
        True,
        10**400,
        [None],
        {"a": None},
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_value_may_be_missing_or_absurd(data: st.DataObject):
    changed = small()
    for name in ("contrasts", "rates", "statuses", "components", "diagnostics"):
        for row in changed[name]:
            for key in data.draw(st.sets(st.sampled_from(sorted(row)), max_size=4)):
                row[key] = data.draw(ODD)
    for key in data.draw(st.sets(st.sampled_from(sorted(changed["analysis"])), max_size=2)):
        changed["analysis"][key] = data.draw(ODD)
    runs = [{key: data.draw(ODD) for key in ("arm", "training_seed", "final_sha256", "steps", "loss_first")}]
    check(render_report(results=changed, lock=lock(), runs=runs))


def test_a_long_name_does_not_hide_the_others():
    changed = small()
    changed["contrasts"][0]["arm"] = "x" * 10_000
    html = render_report(results=changed, lock=lock())
    assert "x" * 301 not in html
    assert "(9,700 more characters)" in html
    assert ARMS[1] in html
