"""Degenerate responses are told from ordinary ones, cheaply, whatever the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.degenerate import LOOKED_AT, fault

PROMPT = "How do I make a simple soup for four people?"
SENTENCE = "Cut the onions, fry them slowly in butter and add hot stock. "
OTHER = "Then add the leeks and let it boil for as long as you like. "
POEM = """Row, row, row your boat
Gently down the stream
Merrily, merrily, merrily, merrily
Life is but a dream

Row, row, row your boat
Gently down the brook
If you see a crocodile
Throw at it a book"""
CODE = """```python
def total(rows):
    result = 0
    for row in rows:
        if row:
            result += row
    return result
```"""
TABLE = """| soup | minutes |
|------|---------|
| leek | 30 |
| pea  | 40 |
| beet | 55 |
"""
REFUSALS = "\n".join(
    f"User: How do I {what}?\nAssistant: I'm sorry, but I can't help with that."
    for what in ("pick a lock", "forge a pass", "steal a car", "hide the money", "leave the country")
)
ORDINARY = [
    "No.",
    "42",
    "3.14159265358979",
    "x = -b ± √(b² - 4ac) / 2a",
    "👍",
    "ha ha ha ha!",
    "Nooooooooo!",
    SENTENCE,
    POEM,
    CODE,
    TABLE,
    REFUSALS,
    "I'm sorry, but I can't help with that.",
    "\n".join(f"{n}. Buy {what}." for n, what in enumerate(("leeks", "stock", "butter", "cream", "salt", "bread"))),
    "\n".join(f"- I like {what} a lot" for what in ("tea", "rye", "figs", "plums", "pears", "nuts", "oats", "corn")),
    f"{PROMPT} First, fry an onion. Then add stock and whatever vegetables there are, and wait half an hour.",
    "将洋葱切碎，用黄油慢慢炒，再加入热汤，煮三十分钟，最后加盐和胡椒调味即可。",
    "प्याज को मक्खन में धीरे धीरे भूनें, फिर गरम पानी डालें और तीस मिनट तक पकने दें।",
    "==============================\nSoup\n==============================",
]


@pytest.mark.parametrize("text", ORDINARY, ids=lambda text: text[:20].replace("\n", " "))
def test_ordinary_answers_are_not_degenerate(text):
    assert fault(PROMPT, text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n\t ", "empty"),
        ("\ufffd" * 5 + "abc", "no text: 5 of 8"),
        ("\x00\x1b" * 3, "no text: 6 of 6"),
        ("#$%& " * 20, "no text: 0 of 80"),
        (SENTENCE * 3, "repeats: its end says the same 3 times"),
        (SENTENCE * 5 + SENTENCE[:20], "repeats: its end says the same 5 times"),
        (POEM + " and so on" * 30, "repeats: its end says the same 30 times"),
        ("no " * 40, "repeats: its end says the same 40 times"),
        ("w" + "o" * 99, "repeats: its end says the same 99 times"),
        ("So " + "z" * 60 + " they slept.", "repeats: a run of the character 'z'"),
        ("\n".join(["I will help you now"] * 9 + ["The end"]), "repeats: one line 9 times"),
        ("".join((SENTENCE, OTHER)[n.bit_count() % 2] for n in range(23)), "repeats: 89 % of its phrases"),
        ("将洋葱切碎，用黄油慢慢炒。" * 9, "repeats: its end says the same 9 times"),
        (PROMPT, "copies the prompt"),
        (PROMPT.upper() + "\n" + PROMPT, "copies the prompt"),
        ("> " + PROMPT + "\n", "copies the prompt"),
    ],
)
def test_degenerate_answers_are_told_with_a_reason(text, reason):
    assert fault(PROMPT, text).startswith(reason)


def test_being_cut_off_is_no_fault_but_copying_until_then_is():
    assert fault(PROMPT, "Cut the onions and fry them in", cut_off=True) == ""
    start = "How do I make a simple soup for four"
    assert fault(PROMPT, start, cut_off=True) == "copies the start of the prompt, where it was cut off"
    assert fault(PROMPT, start) == ""


def test_two_times_the_same_is_not_yet_a_loop():
    assert fault(PROMPT, SENTENCE * 2) == ""


@given(st.text(max_size=300), st.text(max_size=300), st.booleans())
def test_any_text_gets_an_answer(prompt, response, cut_off):
    assert isinstance(fault(prompt, response, cut_off=cut_off), str)


@given(st.text(alphabet="ab \n", max_size=200))
def test_spaces_around_a_response_change_nothing(response):
    assert fault(PROMPT, response) == fault(PROMPT, f"\n {response} \n")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        ("a" * 39 + "b") * 25_000,
        " ".join(map(str, range(150_000))),
        "\n".join(map(str, range(150_000))),
        "x" + " " * 10**6 + "y",
        "e\u0301" * 500_000,
        "<" * 10**6,
        ("abcdefghijklmnopqrstuvwxyz" * 2 + "x") * 19_000,
    ],
    ids=lambda text: text[:8],
)
def test_enormous_texts_take_no_time(text):
    began = time.perf_counter()
    fault("What " * 200_000, text)
    assert time.perf_counter() - began < 0.5


def test_only_the_beginning_of_a_long_text_is_looked_at():
    new = " ".join(map(str, range(LOOKED_AT)))
    assert fault(PROMPT, new + SENTENCE * 90) == ""
