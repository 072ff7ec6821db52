"""What a newcomer reads first, and what must not be loaded to show it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from aftertune.cli.app import DATA_VERBS, VERBS, app

TOP = [name for name, _, _ in VERBS] + ["data"]
NAMES = [name for name, _, _ in VERBS] + [f"data {name}" for name, _ in DATA_VERBS]
FLAGS = {
    "analyze": 9,  # the four settings people change most, beside where to read and write
    "power": 13,  # a plan's numbers: three spreads, two sizes, two points, three costs
}
HEAVY = ("torch", "transformers", "peft", "polars", "scipy", "numpy", "pydantic", "yaml", "jinja2", "rich")


def shown(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_top_help_names_every_verb_with_a_whole_sentence():
    text = shown("--help")
    for name in TOP:
        assert re.search(rf"^  {name} +[A-Z].*[^.]\.$", text, re.MULTILINE), name
    assert "Exit codes" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_verbs_help_says_what_it_does_writes_and_returns(name):
    text = shown(*name.split(), "--help")
    assert f"aftertune {name}" in text.partition("Example:")[2]
    assert "Writes" in text
    assert re.search(r"Exit codes: 0 ", text)
    assert "--json" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_verb_has_at_most_eight_flags_but_for_a_reason(name):
    flags = re.findall(r"^ +(?:-\w, )?(--[\w-]+)", shown(*name.split(), "--help"), re.MULTILINE)
    assert len(set(flags) - {"--help"}) <= FLAGS.get(name, 8)


@pytest.mark.parametrize("name", NAMES)
def test_help_lines_fit_a_small_terminal(name):
    assert max(map(len, shown(*name.split(), "--help").splitlines())) <= 80


def test_the_jobs_default_is_explained():
    text = " ".join(shown("run", "--help").split())
    assert "CPU cores" in text
    assert "memory" in text
    assert "GPU" in text


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], []),
        (["--version"], []),
        (["run", "--help"], ["pydantic"]),  # Typer's own, to read arguments
    ],
)
def test_help_loads_nothing_heavy(words, allowed):
    code = (
        "import sys\nfrom aftertune.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('LOADED', sorted({{m.partition('.')[0] for m in sys.modules}} & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"LOADED {allowed}"


def test_the_version_and_python_m():
    words = [sys.executable, "-m", "aftertune", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"aftertune \d+\.\d+\.\d+\n", done.stdout)
