"""Personal data and secrets: own texts with and without them, masks, and hostile text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.data.detectors.base import Seen
from aftertune.data.detectors.labelled.sample import labelled_rows
from aftertune.data.detectors.personal_data import DETECTOR
from aftertune.data.text.checksums import is_card, leading_iban, luhn
from aftertune.records import Row, Turn

Texts = dict[str, list[str]]
# The patterns were mended by looking at "dev"; "test" was written afterwards and counted once (see `limits`).
TEXTS: dict[str, Texts] = {"dev": {}, "test": {}}
for _one in labelled_rows():
    if "personal_data" in _one.labels:
        _label = next(iter(_one.labels["personal_data"]), "")
        TEXTS[_one.split].setdefault(_label, []).append(_one.row.answer)
HOLDING = [(label, text) for split in TEXTS.values() for label, texts in split.items() if label for text in texts]


def seen(answer: str, prompt: str = "") -> Seen:
    return Seen(Row("1", (Turn("user", prompt), Turn("assistant", answer))))


def found(text: str) -> dict[str, str]:
    return {one.label: one.evidence for one in DETECTOR.find(seen(text))}


class TestLabelled:
    def test_every_label_has_texts(self) -> None:
        for split in TEXTS.values():
            assert sorted(split) == sorted(["", *DETECTOR.labels])

    def test_the_texts_that_patterns_were_mended_on(self) -> None:
        wrong = {
            text: made
            for label, texts in TEXTS["dev"].items()
            for text in texts
            if set(made := found(text)) != ({label} if label else set())
        }
        assert wrong == {}

    def test_the_card_says_what_is_measured_on_the_others(self) -> None:
        pairs = [(label, set(found(text))) for label, texts in TEXTS["test"].items() for text in texts]
        holding = [label in made for label, made in pairs if label]
        false = sum(len(made - {label}) for label, made in pairs)
        said = f"{sum(holding)} of {len(holding)} were found, with {false} false alarms on {len(TEXTS['test'][''])}"
        assert said in DETECTOR.limits


class TestMasks:
    @pytest.mark.parametrize(("label", "text"), HOLDING)
    def test_nothing_found_is_shown(self, label: str, text: str) -> None:
        shown = found(text).get(label, "***")
        assert "*" in shown
        assert sum(character.isdigit() for character in shown) <= 4
        assert len(shown) < 40

    def test_how_they_look(self) -> None:
        text = "maria.keller@posteo.de, +44 20 7183 8750, 4539 5787 6362 1486, 84.113.207.19, NL20INGB0001234567"
        assert found(text) == {
            "email": "m***@p***.de",
            "phone": "+** ** **** **50",
            "card": "**** **** **** **86",
            "iban": "NL** **** \u2026",
            "ip": "84.*.*.*",
        }
        assert found("AK" + "IAQ3EGZ7XVKLM4RTPW 536-22-8741") == {"secret_key": "AKIA***", "us_ssn": "***-**-****"}


class TestWhere:
    def test_every_turn_is_looked_at(self) -> None:
        datum, nothing = "write to maria.keller@posteo.de", "hello"
        for place in range(4):
            texts = [nothing] * 4
            texts[place] = datum
            roles = ("system", "user", "assistant", "user")
            turns = [Turn(role, text) for role, text in zip(roles, texts, strict=True)]
            (one,) = DETECTOR.find(Seen(Row("1", (*turns, Turn("assistant", "fine")))))
            assert one.label == "email"

    def test_the_first_that_counts_is_found_behind_others(self) -> None:
        text = "user@example.com, a@example.org, 555-0199, then r.okafor@unilag.edu.ng and (212) 684-4700"
        assert set(found(text)) == {"email", "phone"}


class TestChecksums:
    @given(st.text("0123456789", min_size=1, max_size=18))
    def test_one_check_digit_fits(self, digits: str) -> None:
        assert sum(luhn(digits + check) for check in "0123456789") == 1

    @given(st.integers(0, 15), st.integers(1, 9))
    def test_a_changed_digit_is_noticed(self, place: int, step: int) -> None:
        digits = "4539578763621486"
        changed = digits[:place] + str((int(digits[place]) + step) % 10) + digits[place + 1 :]
        assert is_card(digits)
        assert not is_card(changed)

    def test_account_numbers(self) -> None:
        assert leading_iban("NO93 8601 1117 947 and more") == "NO9386011117947"
        assert leading_iban("NO9486011117947") == ""
        assert leading_iban("ZZ9386011117947") == leading_iban("NO93") == leading_iban("") == ""
        assert leading_iban("NO93\u00b2601111794") == ""


class TestHostile:
    @pytest.mark.parametrize(
        "text",
        [
            "@" * 10**6, "a@" * 500_000, "a." * 500_000 + "@", "a@a." * 250_000, "1" * 10**6, "1-" * 500_000,
            "1." * 500_000, "+1 " * 333_333, "(" * 10**6, "call 1" * 160_000, "call " * 200_000, "://" * 333_333,
            "a://a:" * 160_000, "a" * 10**6, "-----BEGIN PRIVATE KEY-----\n" * 37_000, "eyJ" * 333_333, "sk-" * 333_333,
            "eyJaaaaaaaaaaaa." * 62_500, "_" * 10**6, "1:" * 500_000, "2000:" * 200_000, "AB12 " * 200_000,
            "\ud800@" * 500_000, "555-0199 " * 110_000, "user@example.com " * 60_000, "4111 1111 1111 1111 " * 50_000,
        ],
        ids=range(26),
    )  # fmt: skip
    def test_enormous_texts_take_little_time(self, text: str) -> None:
        start = time.process_time()
        DETECTOR.find(Seen(Row("1", tuple(Turn("user", text[at : at + 100_000]) for at in range(0, 10**6, 100_000)))))
        assert time.process_time() - start < 1

    @given(st.text())
    def test_any_text_gets_an_answer(self, text: str) -> None:
        assert set(found(text)) <= set(DETECTOR.labels)


class TestReal:
    def test_worked_sums_hold_none(self, shared_data: Path) -> None:
        import gzip

        lines = gzip.decompress((shared_data / "gsm8k" / "train.jsonl.gz").read_bytes()).splitlines()
        rows = [seen(row["answer"], row["question"]) for row in map(json.loads, lines)]
        start = time.process_time()
        assert sum(bool(DETECTOR.find(row)) for row in rows) == 0
        assert (time.process_time() - start) / len(rows) < 80e-6  # about 15; the bound leaves room for slow machines
