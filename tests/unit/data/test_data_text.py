"""Sentences, structure, content: what is no sentence end, what is a list, what counts as the same words."""

from __future__ import annotations

import pytest

from aftertune.data.text.content import content, same_content
from aftertune.data.text.rendering import render
from aftertune.data.text.sentences import sentences
from aftertune.data.text.structure import Parsed, kind_of, parse


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith and Mrs. Jones met J. K. Rowling.",
        "It costs $3.50, i.e. 3.5 dollars, e.g. Euros.",
        "See https://example.org/a.html?x=1. for more.",
        'He said "Stop. Go back." and left.',
        "\u201cStop. Go back,\u201d he said.",
        "It works (see Fig. 2. It shows this) well.",
        "Call `a. B()` twice.",
        "The U.S. Army left at 5 p.m. Tuesday.",
        "Use eggs, milk, etc. and stir.",
        "Do this: 1. Wash it.",
        "Version 2.0.1 is out...",
        "No. 5 is alive.",
        "a.b.c",
    ],
)
def test_one_sentence(sentence: str) -> None:
    assert sentences(f" {sentence}\n") == [sentence]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Boil water. Add tea! Ready? Yes.", ["Boil water.", "Add tea!", "Ready?", "Yes."]),
        ("It was 2019. The end.", ["It was 2019.", "The end."]),
        ("So do I. You too.", ["So do I.", "You too."]),
        ("They sell pens, etc. The shop is big.", ["They sell pens, etc.", "The shop is big."]),
        ('"Stop!" He left.', ['"Stop!"', "He left."]),
        ('It is 5" tall. It is 6" wide.', ['It is 5" tall. It is 6" wide.']),  # in doubt, together
        ("Wait... What? 3 are left.", ["Wait...", "What?", "3 are left."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize(
    ("answer", "kind", "units"),
    [
        ("One. Two.", "prose", ("One.", "Two.")),
        ("One.\n\nTwo.", "prose", ("One.", "Two.")),
        ("This is a long line that was wrapped at a width\nin mid-sentence. Two.", "prose", 2),
        ("One\nTwo\nThree", "sentences", ("One", "Two", "Three")),
        ("1. One\n2. Two", "numbered_list", ("One", "Two")),
        (
            "Lead:\n1) One\n   more\n2) Two\n\nEnd. Really.",
            "numbered_list",
            ("Lead:", "One more", "Two", "End.", "Really."),
        ),
        ("- One\n  - Two\n* Three", "bullets", ("One", "Two", "Three")),
        ("- One", "prose", ("- One",)),
        ("# Tea\n\nBoil.\n\n- **Add** tea\n- Wait", "markdown", ("Tea:", "Boil.", "Add tea", "Wait")),
        ('{"answer": ["One.", "Two."]}', "json", ("One.", "Two.")),
        ('["One.", "Two."]', "json", ("One.", "Two.")),
        ("[1, 2]", "prose", ("[1, 2]",)),
        ("```\nOne. Two.\n```", "code_fence", ("One.", "Two.")),
        ("```python\nprint(1)\n```", "code", ()),
        ("Run this:\n```\nls\n```", "code", ()),
        ("def f(x):\n    return x", "code", ()),
        ("SELECT name\nFROM people;", "code", ()),
        ('{"a": {"b": 1}}', "prose", 1),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "table", ()),
        ("Do: 1. One 2. Two 3. Three", "inline_list", ("Do:", "One", "Two", "Three")),
        ("These are 1) one and 2) two.", "inline_list", ()),
        ("A is 1.5 x 2. B is 2.5 x 2.", "prose", ("A is 1.5 x 2.", "B is 2.5 x 2.")),
        ("", "prose", ()),
    ],
)
def test_structures_are_recognised(answer: str, kind: str, units: tuple[str, ...] | int) -> None:
    parsed = parse(answer)
    assert parsed.kind == kind_of(answer) == kind
    assert (len(parsed.units) if isinstance(units, int) else parsed.units) == units


def test_the_final_line_of_a_worked_answer_stays_last() -> None:
    parsed = parse("48/2 = <<48/2=24>>24 in May.\n48+24 = <<48+24=72>>72 in all\n#### 72\n")
    assert parsed == Parsed("sentences", ("48/2 = <<48/2=24>>24 in May.", "48+24 = <<48+24=72>>72 in all"), "#### 72")
    assert render(parsed, "prose").split("\n") == [
        "48/2 = <<48/2=24>>24 in May. 48+24 = <<48+24=72>>72 in all.",
        "#### 72",
    ]


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("sentences", "To wash:\nSoak it.\nDry it."),
        ("numbered_list", "To wash:\n1. Soak it.\n2. Dry it."),
        ("bullets", "To wash:\n- Soak it.\n- Dry it."),
        ("markdown", "## Answer\n\nTo wash:\n- Soak it.\n- Dry it."),
        ("json", '{"answer": ["To wash:", "Soak it.", "Dry it."]}'),
        ("code_fence", "```\nTo wash: Soak it. Dry it.\n```"),
        ("prose", "To wash: Soak it. Dry it."),
    ],
)
def test_rendering(to: str, text: str) -> None:
    assert render(Parsed("bullets", ("To wash:", "Soak it.", "Dry it.")), to) == text  # type: ignore[arg-type]


def test_markdown_sets_the_first_two_words_in_bold() -> None:
    assert render(Parsed("prose", ("Boil the water.", "See [this] now.")), "markdown").endswith(
        "- **Boil the** water.\n- See [this] now."
    )


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("Mix 2.5 cups. Bake.", "- Mix **2.5** cups.\n- Bake.", True),
        ("Mix 2.5 cups. Bake.", '{"answer": ["Mix 2.5 cups.", "Bake."]}', True),
        ("Mix 2.5 cups.", "Mix 2.50 cups.", False),
        ("One two.", "Two one.", False),
        ("One two.", "One.", False),
        ("Use `a  b`.", "Use `a b`.", False),
        ("2**3 is 8", "23 is 8", False),
        ("One.\n#### 72", '{"answer": "One."}\n#### 72', True),
        ("One.\n#### 72", '{"answer": "One."}', False),
    ],
)
def test_same_content(before: str, after: str, same: bool) -> None:
    assert same_content(before, after) is same


def test_content_is_words_without_layout() -> None:
    assert content("## Answer\n\n1. **One** two,\n2) three.") == ("One", "two", "three")


@pytest.mark.parametrize("piece", ['"a. B" ', "1. x ", "a. ", "(", "As an AI ", "You are a b, ", "**a "])
def test_long_lines_take_time_in_proportion(piece: str) -> None:
    """A long line of the worst kind of text ends; with quadratic rules this test would not."""
    text = piece * (150_000 // len(piece))
    assert "".join(sentences(text)).replace(" ", "") == text.replace(" ", "")
    assert parse(text).kind
