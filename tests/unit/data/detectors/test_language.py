"""The language of answers: 180 own texts in 30 languages, English in awkward forms, and hostile text."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from aftertune.data.detectors.base import Seen
from aftertune.data.detectors.labelled.sample import labelled_rows
from aftertune.data.detectors.language import DETECTOR
from aftertune.records import Row, Turn

TEXTS: dict[str, list[str]] = {}
for _one in labelled_rows():
    for _code in _one.labels.get("language", ()):
        TEXTS.setdefault(_code, []).append(_one.row.answer)
ENGLISH = [
    "Add 2 cups of flour and 1 tsp of salt; mix well.",
    "The caf\u00e9's na\u00efve fa\u00e7ade was designed by Bj\u00f6rn \u00c5kesson.",
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n48+24 = <<48+24=72>>72 clips altogether.\n#### 72",
    "1. Wash your hands\n2. Chop the onions\n3. Fry them in oil",
    "In German, you would say \u201eIch m\u00f6chte einen Kaffee\u201c when you order at the counter.",
    "A positive attitude leads to success, happiness, confidence and improved mental health.",
    "Here is how to do it:\n```python\nfor zahl in range(10):\n    drucke(zahl)\n```",
    "I'M AFRAID I DON'T KNOW WHO SHE IS.",
]
NEITHER = ["", "42", "\U0001f608", "3.14159 + 2.71828 = 5.85987", "print(x[0])", "https://example.org/?q=1"]


def seen(answer: str, prompt: str = "") -> Seen:
    return Seen(Row("1", (Turn("user", prompt), Turn("assistant", answer))))


def label(answer: str, prompt: str = "") -> str:
    (found,) = DETECTOR.find(seen(answer, prompt))
    assert found.label in DETECTOR.labels
    return found.label


def test_every_language_of_the_texts_has_a_label() -> None:
    assert sorted(TEXTS) == sorted(set(DETECTOR.labels) - {"other", "undetermined"})
    assert DETECTOR.background == ("en", "undetermined")


def test_the_card_says_what_is_measured() -> None:
    told = Counter(
        "right" if found == code else "left" if found == "undetermined" else "wrong"
        for code, texts in TEXTS.items()
        for found in map(label, texts)
    )
    assert sum(told.values()) == 180
    assert f"{told['right']} were told right and {told['left']} left undetermined" in DETECTOR.limits
    assert told["wrong"] == 0


def test_texts_of_a_line_or_more_are_all_told_right() -> None:
    assert {code for code, texts in TEXTS.items() for text in texts[2:] if label(text) != code} == set()


@pytest.mark.parametrize("text", ENGLISH)
def test_english_in_awkward_forms(text: str) -> None:
    assert label(text) == "en"


@pytest.mark.parametrize("text", NEITHER)
def test_texts_without_language_are_undetermined(text: str) -> None:
    assert label(text) == "undetermined"


def test_code_is_undetermined() -> None:
    code = "public static int f(int[] a) {\n  for (int i = 0; i < a.length; i++) { s += a[i]; }\n  return s;\n}"
    prompt = "Schreibe eine Funktion, die alle Zahlen eines Feldes addiert."
    assert label(code, prompt) == label(f"```java\n{code}\n```", prompt) == "undetermined"


def test_a_language_without_a_label_is_other() -> None:
    afrikaans = "My ouma het Sondae brood gebak, en die hele straat kon dit ruik. Ons het gewag totdat dit koud was."
    assert label(afrikaans) == "other"


class TestShortAnswers:
    @pytest.mark.parametrize(
        ("prompt", "answer", "code"),
        [
            ("What is the capital of the country that you come from?", "Paris", "en"),
            ("Was ist die Hauptstadt von Frankreich, und wie alt ist sie?", "Paris", "de"),
            ("Translate into French for me: I am a student.", "Je suis \u00e9tudiant.", "fr"),
            (
                "How would you say that in Russian, please, and without a subject?",
                TEXTS["ru"][1][:21],
                "ru",
            ),
        ],
    )
    def test_the_prompt_decides_unless_the_answer_is_plain(self, prompt: str, answer: str, code: str) -> None:
        assert label(answer, prompt) == code

    def test_long_answers_do_not_look_at_the_prompt(self) -> None:
        assert label(TEXTS["fr"][3], TEXTS["en"][5]) == "fr"
        assert label(TEXTS["en"][3], TEXTS["fr"][5]) == "en"


class TestReal:
    def test_english_rows_are_hardly_ever_taken_for_others(self, shared_data: Path) -> None:
        import gzip

        rows = [
            json.loads(line)
            for line in gzip.decompress((shared_data / "gsm8k" / "train.jsonl.gz").read_bytes()).splitlines()
        ]
        found = Counter(label(row["answer"], row["question"]) for row in rows)
        assert set(found) == {"en", "undetermined"}
        assert found["en"] > 0.97 * len(rows)


class TestSpeed:
    def test_plain_english_costs_little(self) -> None:
        rows = [seen(TEXTS["en"][4], TEXTS["en"][5]) for _ in range(5000)]
        start = time.process_time()
        for row in rows:
            DETECTOR.find(row)
        assert (time.process_time() - start) / len(rows) < 60e-6  # about 10; the bound leaves room for slow machines

    @pytest.mark.parametrize(
        "text",
        [
            "a" * 10**6,
            "\u4f60" * 10**6,
            "the " * 250_000,
            "```" * 333_333,
            "<<" * 500_000,
            "\ud800" * 10**6,
            "'" * 10**6,
        ],
        ids=["one letter", "one character", "one word", "fences", "sums", "surrogates", "quotes"],
    )
    def test_enormous_texts(self, text: str) -> None:
        label("warm up the model, bitte sehr")
        start = time.process_time()
        label(text, text)
        assert time.process_time() - start < 1
