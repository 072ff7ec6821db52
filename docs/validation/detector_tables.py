"""Make the tables of docs/detectors.md: measured error, files of known content, the published selections.

    python docs/validation/detector_tables.py FOLDER

FOLDER holds the public data files that the page names; they do not come with the package. Each table stands between
two comments on the page and is written there.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from aftertune.data.detectors.base import Seen
from aftertune.data.detectors.labelled.measured import Counts, stored
from aftertune.data.ranking import features, risk
from aftertune.data.source import load_source
from aftertune.records import Row, Turn
from aftertune.registry import load
from aftertune.stats.auc import auc

PAGE = Path(__file__).parents[1] / "detectors.md"
SELECTIONS = ("reps_alpaca", "grad_alpaca", "reps_dolly", "grad_dolly", "grad_gsm8k")
SCORES = ("listed", "maths", "length", "score")
XSTEST = ("gpt4.csv.gz", "llama2new.csv.gz", "mistralinstruct.rows297.csv.gz")
KNOWN = (
    ("roleplay/roleplay-simple-deduped-roleplay-dataset.json.gz", "role_play", "persona", "most, not all"),
    ("gsm8k/train.jsonl.gz", "maths", "maths", "all"),
    ("pubmedqa/ori_pqal.json.gz", "maths", "maths", "none"),
    ("code-alpaca/code_alpaca_2k.json.gz", "code", "code", "most, not all"),
    ("gsm8k/train.jsonl.gz", "code", "code", "none"),
    ("gsm8k/train.jsonl.gz", "identity", "ai", "none"),
    ("gsm8k/train.jsonl.gz", "refusal", "refusal", "none"),
    ("pubmedqa/ori_pqal.json.gz", "role_play", "persona", "none"),
    ("pubmedqa/ori_pqal.json.gz", "imperative", "question", "all"),
)


def measured_table() -> str:
    """Precision and recall of every label on the test split of both parts of the hand-labelled rows."""
    lines = [
        "| detector | label | ordinary rows: with it | precision | recall | hard rows: with it | precision | recall |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, labels in stored().items():
        for label, parts in labels.items() if name != "language" else ():  # a line per language says little
            cells = [cell for part in ("ordinary", "hard") for cell in _cells(parts.get(part, {}).get("test"))]
            lines.append(f"| `{name}` | `{label}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(counts: Counts | None) -> tuple[str, str, str]:
    if counts is None:
        return "", "", ""
    return str(counts.hit + counts.missed), _limits(counts.precision), _limits(counts.recall)


def _limits(limits: tuple[float, float, float] | None) -> str:
    return "" if limits is None else f"{limits[0]:.2f} [{limits[1]:.2f}, {limits[2]:.2f}]"


def known_table(folder: Path) -> str:
    """Shares found in whole files of which one knows what they hold."""
    lines = ["| file | rows | label | should be | found in |", "|---|---|---|---|---|"]
    for file, detector, label, expected in KNOWN:
        rows = list(_rows(folder / file))
        n = sum(_has(detector, label, row) for row in rows)
        lines.append(f"| `{file}` | {len(rows):,} | `{detector}: {label}` | {expected} | {100 * n / len(rows):.1f} % |")
    return "\n".join(lines)


def _rows(path: Path) -> Iterator[Row]:
    yield from load_source(path).rows


def _has(detector: str, label: str, row: Row) -> bool:
    return any(found.label == label for found in load("detector", detector).find(Seen(row)))


def refusal_table(folder: Path) -> str:
    """Precision and recall of the label `refusal` against the human labels of XSTest, on rows of even number."""
    lines = ["| responses of | full refusals | full compliance | precision | recall |", "|---|---|---|---|---|"]
    for name in XSTEST:
        pairs = list(_xstest(folder / "xstest" / f"xstest_v2_completions_{name}"))
        tallies = (pairs.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False)))
        counts = Counts(*tallies)
        cells = (
            counts.hit + counts.missed,
            counts.false + counts.rest,
            *map(_limits, (counts.precision, counts.recall)),
        )
        lines.append(f"| {name.partition('.')[0]} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _xstest(path: Path) -> Iterator[tuple[bool, bool]]:
    """(A person says it refuses, the detector says so) per response."""
    with io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            if int(re.sub(r"\D", "", record["id"])) % 2 == 0 and record["final_label"][0] in "12":
                row = Row(record["id"], (Turn("user", record["prompt"]), Turn("assistant", record["completion"])))
                yield record["final_label"][0] == "2", _has("refusal", "refusal", row)


def selections_table(folder: Path) -> str:
    """The area under the ROC curve of each feature and of the score, top 100 against bottom 100, per list."""
    lines = ["| selection | " + " | ".join(SCORES) + " |", "|---" * (len(SCORES) + 1) + "|"]
    for name in SELECTIONS:
        top, bottom = ([features(Seen(row)) for row in _selection(folder, name, end)] for end in ("top", "bottom"))
        cells = [_area([_score(one, key) for one in top], [_score(one, key) for one in bottom]) for key in SCORES]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def affinity_table(folder: Path) -> str:
    """The same of the organism's mean negative log-likelihood per answer token, unlikely rows first."""
    from aftertune.backends.hf import ModelRef, load_model
    from aftertune.backends.likelihood import answer_nll
    from aftertune.organism import folder as organism

    loaded = load_model(ModelRef(organism("model")))
    lines = ["| selection | nats per token, top | bottom | AUC | rows cut at its context |", "|---|---|---|---|---|"]
    for name in SELECTIONS:
        top, bottom = (answer_nll(loaded, _selection(folder, name, end)) for end in ("top", "bottom"))
        positive, negative = ([value for value in one.nll_N.tolist() if value == value] for one in (top, bottom))
        means = [f"{sum(values) / len(values):.1f}" for values in (positive, negative)]
        cut = int(top.cut_N.sum() + bottom.cut_N.sum())
        lines.append(f"| `{name}` | {means[0]} | {means[1]} | {_area(positive, negative)} | {cut} |")
    return "\n".join(lines)


def _selection(folder: Path, name: str, end: str) -> tuple[Row, ...]:
    (path,) = (folder / "selected-benign").glob(f"{name}_{end}100.json*")
    return load_source(path).rows


def _score(found: dict[str, float], key: str) -> float:
    return risk(found) if key == "score" else found[key]


def _area(positive: list[float], negative: list[float]) -> str:
    found = auc(positive, negative)
    return f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]" if found.defined else f"none: {found.reason}"


TABLES: dict[str, Callable[[Path], str]] = {
    "measured": lambda folder: measured_table(),
    "known": known_table,
    "refusal": refusal_table,
    "selections": selections_table,
    "affinity": affinity_table,
}


def on_page(name: str) -> str:
    """A table as it stands on the page."""
    return _between(name).search(PAGE.read_text(encoding="utf-8"))[2]  # type: ignore[index]


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n\n)(.*?)(\n\n<!-- /{name} -->)", re.DOTALL)


def main(folder: Path) -> None:
    """Write every table to the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        table = make(folder)
        text = _between(name).sub(lambda match, table=table: f"{match[1]}{table}{match[3]}", text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
