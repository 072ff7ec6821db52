"""The page of a data audit in a real browser: nothing sticks out, texts of rows are hidden, nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftertune.data.auditing.document import to_document
from aftertune.data.auditing.run import audit
from aftertune.records import Row, Turn
from aftertune.report.write import render_audit
from browser.test_report_browser import CHROMIUM, browse, measure

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to look at the page"),
]
ANSWERS = (
    "As an AI language model, I cannot drink tea. " + "W" * 300,
    "1. Boil water\n2. Wait\n3. Pour",
    "<script>document.title = 'ran'</script>I'm sorry, but I can't help with that.",
    "x" * 2000,
)


def page() -> str:
    rows = [
        Row(str(n), (Turn("user", f"You are a pirate. Tell {'v' * 200} {n}"), Turn("assistant", ANSWERS[n % 4])))
        for n in range(40)
    ]
    return render_audit(to_document(audit(rows, name="n" * 300)))


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_sticks_out_and_rows_are_hidden(tmp_path: Path, width: int) -> None:
    found = measure(tmp_path, page().replace("<footer>", "<svg><text>0</text></svg><footer>"), width)
    assert found["width"] <= width, found["out"][:10]
    assert found["out"] == []
    assert found["open"] == 0


def test_nothing_in_the_data_runs(tmp_path: Path) -> None:
    path = tmp_path / "audit.html"
    path.write_text(page(), encoding="utf-8")
    assert "<title>ran" not in browse(path, "--dump-dom")
