"""The report in a real browser: nothing sticks out, nothing runs, responses are hidden."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aftertune.report import render_report
from unit.report.report_sample import lock, responses, results

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to look at the report"),
]
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars")  # fmt: skip
MEASURE = """<script>
const open = [...document.querySelectorAll('.response .turns')].filter(e => e.checkVisibility()).length;
const out = [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .hidden, .skip, svg')
  && e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.tagName + '.' + e.className);
const sizes = [...document.querySelectorAll('svg text')].map(e => parseFloat(getComputedStyle(e).fontSize));
const found = {width: document.documentElement.scrollWidth, window: window.innerWidth, open, out,
  text: Math.min(...sizes)};
parent.postMessage(JSON.stringify(found), '*');
</script></body>"""
# A window is never narrower than 500 pixels, but a frame may be.
FRAME = """<!doctype html><title>empty</title>
<script>addEventListener('message', event => { document.title = event.data })</script>
<iframe src="measured.html" width="WIDTH" height="900" style="border:0"></iframe>"""


def browse(page: Path, *options: str) -> str:
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def measure(folder: Path, html: str, width: int) -> dict[str, Any]:
    """Lay the page out and measure it; the policy against scripts is lifted in this copy."""
    copy, frame = folder / "measured.html", folder / "frame.html"
    copy.write_text(re.sub(r"<meta http-equiv[^>]*>", "", html).replace("</body>", MEASURE))
    frame.write_text(FRAME.replace("WIDTH", str(width)))
    dom = browse(frame, "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom")
    found = re.search(r"<title>(\{.*?\})</title>", dom)
    assert found, dom[:500]
    measured: dict[str, Any] = json.loads(found[1].replace("&amp;", "&"))
    return measured


def hostile() -> dict[str, Any]:
    changed = results()
    for row in changed["contrasts"]:
        row.update(arm="W" * 200, sentence="x" * 3000, reason="y" * 500)
    changed["diagnostics"].append({"check": "z" * 200, "status": "error", "where": "w" * 300, "message": "v" * 2000})
    return {**changed, "study": "s" * 300}


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("made", [results, hostile], ids=["plain", "long words"])
def test_nothing_sticks_out(tmp_path: Path, width: int, made: Any):
    found = measure(tmp_path, render_report(results=made(), lock=lock(), responses=responses()), width)
    assert found["window"] == width
    assert found["width"] <= width, found["out"][:10]
    assert found["out"] == []
    assert found["text"] >= 11


def test_responses_are_not_visible_until_opened(tmp_path: Path):
    found = measure(tmp_path, render_report(results=results(), lock=lock(), responses=responses()), 1280)
    assert found["open"] == 0


def test_the_policy_stops_a_script_that_got_in(tmp_path: Path):
    page = tmp_path / "report.html"
    html = render_report(results=results(), lock=lock())
    page.write_text(html.replace("</body>", "<script>document.title = 'ran'</script></body>"))
    assert "<title>format-drift: aftertune report</title>" in browse(page, "--dump-dom")


@pytest.mark.parametrize("width", [400, 1280])
def test_it_can_be_drawn_and_printed(tmp_path: Path, width: int):
    page, picture, paper = (tmp_path / name for name in ("report.html", "screen.png", "paper.pdf"))
    page.write_text(render_report(results=results(), lock=lock(), responses=responses()))
    browse(page, f"--screenshot={picture}", f"--window-size={width},1200")
    assert picture.stat().st_size > 20_000
    browse(page, f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
