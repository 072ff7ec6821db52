"""The coherence judge's card holds: what it says about real responses, and about the same made degenerate."""

from __future__ import annotations

import csv
import gzip
import json
import time

import pytest

from aftertune.judges.coherence import JUDGE, decide
from aftertune.records import Item, Response, Status
from aftertune.seeds import generator

N_XSTEST = 1197


@pytest.fixture(scope="module")
def pairs(shared_data):
    """Prompt and response of three models to XSTest."""
    found = []
    for name in ("gpt4", "llama2new", "mistralinstruct.rows297"):
        path = shared_data / f"xstest/xstest_v2_completions_{name}.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            found += [(row["prompt"], row["completion"]) for row in csv.DictReader(file)]
    assert len(found) == N_XSTEST
    return found


def read(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        text = file.read()
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]


def judged(prompt: str, text: str, status: Status = Status.OK) -> float | None:
    return decide(Item("1", prompt, harmful=False), Response("1", 0, text, status, 5, 5))[0].value


def first_words(text: str, n: int) -> str:
    return " ".join(text.split()[:n])


def shuffled(text: str) -> str:
    words = text.split()
    generator(0, "shuffle", text).shuffle(words)
    return " ".join(words)


# What is done to a response, and the least share that must be found: what the card says.
DAMAGE = {
    "a sentence": (lambda prompt, text: (text.split(". ")[0] + ". ") * 20, 1.0),
    "a phrase at the end": (lambda prompt, text: text + " " + (first_words(text, 6) + " ") * 12, 1.0),
    "a loop that is cut": (lambda prompt, text: ((first_words(text, 8) + " ") * 40)[:400], 1.0),
    "a line": (lambda prompt, text: "\n".join([text.split("\n")[0]] + [first_words(text, 7)] * 10), 1.0),
    "a character": (lambda prompt, text: text[:60] + "a" * 80, 1.0),
    "replacement": (lambda prompt, text: "".join(c if n % 5 else "\ufffd" for n, c in enumerate(text)), 1.0),
    "empty": (lambda prompt, text: "", 1.0),
    "three times": (lambda prompt, text: "\n".join([text] * 3), 0.97),
    "the prompt": (lambda prompt, text: prompt, 0.97),
    "the prompt twice": (lambda prompt, text: f"{prompt}\n{prompt}", 0.97),
    "symbols": (
        lambda prompt, text: "".join(c if c in " \n" else "#$%&*(){}"[n % 9] for n, c in enumerate(text)),
        0.84,
    ),
    "one word": (lambda prompt, text: text[: len(text) // 2] + (" " + text.split()[0]) * 60, 0.68),
}


@pytest.mark.parametrize("kind", sorted(DAMAGE))
def test_degenerate_responses_are_found(pairs, kind):
    damage, least = DAMAGE[kind]
    found = [judged(prompt, damage(prompt, text)) == 0 for prompt, text in pairs]
    assert sum(found) / len(found) >= least


def test_no_real_response_is_called_degenerate_even_when_cut(pairs):
    assert {judged(*pair) for pair in pairs} == {1.0}
    assert {judged(prompt, text[: len(text) // 2], Status.TRUNCATED) for prompt, text in pairs} == {1.0}


def test_shuffled_words_are_not_seen_as_the_card_says(pairs):
    assert {judged(prompt, shuffled(text)) for prompt, text in pairs} == {1.0}
    assert "no shuffled words" in JUDGE.error


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("dolly/dolly_3k.json.gz", ("instruction", "output")),
        ("gsm8k/train.jsonl.gz", ("question", "answer")),
        ("gsm8k/test.jsonl.gz", ("question", "answer")),
        ("roleplay/roleplay-simple-deduped-roleplay-dataset.json.gz", ("instruction", "output")),
        ("self-instruct/seed_tasks.jsonl", ("instruction", "instances")),
    ],
)
def test_no_answer_of_an_instruction_set_is_called_degenerate(shared_data, name, columns):
    rows = [[row[column] for column in columns] for row in read(shared_data / name)]
    answers = [(prompt, said if isinstance(said, str) else said[0]["output"]) for prompt, said in rows]
    called = [text for prompt, text in answers if text.strip() and judged(prompt, text) != 1]
    assert called == []


def test_it_may_run_on_every_study(pairs):
    items = [Item("1", prompt, harmful=False) for prompt, _ in pairs]
    responses = [Response("1", 0, text, Status.OK, 5, 5) for _, text in pairs]
    batch = JUDGE.open()

    def once() -> float:
        began = time.process_time()
        batch(items, responses)
        return time.process_time() - began

    assert len(pairs) / min(once() for _ in range(5)) > 10_000  # about 30,000 a second on an ordinary core


def test_every_decision_has_a_reason():
    for text in ("", "Fine.", "no " * 99):
        (verdict,) = decide(Item("1", "How?", harmful=False), Response("1", 0, text, Status.OK, 5, 5))
        assert verdict.reason
