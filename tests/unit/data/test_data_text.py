"""Sentences, structure, content: what is no sentence end, what is a list, what counts as the same words."""

from __future__ import annotations

import time

import pytest

from aftertune.data.text.code import holds_code
from aftertune.data.text.content import code_spans, content, same_but_for, same_content
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
        ('{"a": {"b": 1}}', "json", 0),
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


def test_numbers_of_a_list_in_one_line_are_no_content() -> None:
    assert content("Buy 1. milk 2. tea", enumerated=True) == ("Buy", "milk", "tea")
    assert content("Buy 1. milk 2. tea") == ("Buy", "1", "milk", "2", "tea")
    assert content("Wait 2) s, 1) mix, 3) cut, 2) bake", enumerated=True) == (
        "Wait",
        "2)",
        "s",
        "mix",
        "3)",
        "cut",
        "bake",
    )
    assert same_content("Do: 1) mix, 2) bake", "Do:\n1. mix,\n2. bake", enumerated=True)
    assert not same_content("Do: 1) mix, 2) bake", "Do:\n1. mix,\n2. bake")


def test_code_spans_are_read_where_there_are_none_before() -> None:
    assert code_spans("Use `a  b` and `c`.") == ("`a  b`", "`c`")
    assert not same_content("Use a b.", "Use `a b`.")


SPARE = frozenset(("also,", "very"))


@pytest.mark.parametrize(
    ("before", "after", "added", "same"),
    [
        ("Also, it is hot.", "It is hot.", "", True),
        ("It also, is hot.", "It is hot.", "", True),
        ("It also is hot.", "It is hot.", "", False),  # listed only with its comma
        ("It is not hot.", "It is hot.", "", False),
        ("It is very hot.", "It is hot. The end.", "The end.", True),
        ("It is hot.\n#### 4", "It is hot. The end.\n#### 4", "The end.", True),
        ("It is hot.", "It is hot. The end.", "", False),
        ("It is hot.", "It is hot.", "The end.", False),
        ("It is hot.", "it is hot.", "", False),  # only the word after one left out may change its case
        ("Very `a b` it.", "`a  b` it.", "", False),
    ],
)
def test_same_but_for(before: str, after: str, added: str, same: bool) -> None:
    assert same_but_for(before, after, spare=SPARE, added=added) is same


@pytest.mark.parametrize(
    ("answer", "units"),
    [
        ("1. Tea 2. Milk", ("Tea", "Milk")),
        ("1. Tea 2. Milk.", ()),  # a sentence that ends in "2." has this form too
        ("1. Type 2. It is common.", ()),
        ("1. e4 e5 2. Nf3 Nc6 3. Bb5", ()),
        ("1. Jo Jr. 2. Al Jr. 3. Cy Jr.", ("Jo Jr.", "Al Jr.", "Cy Jr.")),
        ("Steps: 1. Mix it. Stir. 2. Bake it. Wait.", ("Steps:", "Mix it. Stir.", "Bake it. Wait.")),
        ("Steps: 1. Mix it. 2. Bake it. Enjoy it.", ("Steps:", "Mix it.", "Bake it.", "Enjoy it.")),
        ("Use 1) a, 2) b and 3) c.", ()),  # what introduces it is unfinished
        ("Use these: 1) a, 2) b and 4) c.", ()),
        ("Use these: 1) a, 2. b, 3) c.", ()),
        ("Use these: 1) a, 2) b.\nThen these: 1) c, 2) d.", ()),
        ("Intro.\nUse: 1) a, 2) b.\nEnd.", ("Intro.", "Use:", "a,", "b.", "End.")),
        ("- Use: 1) a, 2) b.\n- End.", ()),
    ],
)
def test_lists_in_one_line_are_taken_apart_only_when_clear(answer: str, units: tuple[str, ...]) -> None:
    assert parse(answer) == Parsed("inline_list", units)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x = 1", True),
        ("total <- sum(y)", True),
        ("print(x)", True),
        ("return x;", False),
        ('return "x";', True),
        ("if (x) {", True),
        ("}", True),
        ("done", True),
        ("for x in y:", True),
        ("for (x in y):", True),
        ("import os", True),
        ("SELECT a FROM b", True),
        ("Dim x As Integer", True),
        ("End If", True),
        ("End of it.", False),
        ("    a = [1]", True),
        ("See <b>this</b>.", True),
        ("<img src=a />", True),
        ("5 < 6 and 7 > 2", False),
        ("<a> / >", False),
        ("I call f(x) here.", False),
        ("He said so (twice)", False),
        ("US firms (all of them)", False),
        ("The end;", False),
        ("#include <a>", True),
        ("// note", True),
        ("$$x$$", True),
        ("\\begin{a}", True),
        ("Price: $5;", False),
    ],
)
def test_lines_of_code(line: str, code: bool) -> None:
    assert holds_code(["Some text.", line]) is code
    assert not holds_code([f"- {line}", f"  {line}"])


def test_half_a_character_in_json_is_no_text() -> None:
    assert parse('["One.", "\\ud83d"]').kind == "prose"
    assert parse('["One.", "\\u00e9"]') == Parsed("json", ("One.", "\u00e9"))


def test_structures_within_json_and_fences() -> None:
    assert parse('```json\n["One.", "Two."]\n```') == Parsed("code_fence", ("One.", "Two."))
    assert parse("```\nDo: 1) a, 2) b.\n```") == Parsed("code_fence", ("Do:", "a,", "b."))
    assert parse("```\nDo 1) a, 2) b.\n```") == Parsed("inline_list", ())
    assert parse("```\n\n```") == Parsed("prose", ())
    assert parse("``` no language\na\n```").kind == "code"


WORST = [
    *("1. ", "1. a\n", "1. a 2. b ", "**", "**a ", "#", "# a\n", "|", "|a|\n", "[", "{", '["a",', '{"a":', "```", "`"),
    *('"', "\u201c", "\u201ca ", "(", "((a) ", "....", ". ", "?!", "a. ", "A\n", "\n", " ", "\t", "    x = 1\n"),
    *("f(x)\n", "<a ", "</", "<!--", "\x1b[31m", "<b>x</b>", "no. 5. ", "e.g. ", "- ", "* * ", "#### 1\n", "};\n"),
    *(")x;", "for ", "\r\n", "\u2028", "\\[", "*_", "I am ", '"a. B" ', "1. x ", "As an AI ", "You are a b, "),
]


@pytest.mark.parametrize("piece", WORST)
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    """Long text of the worst kind takes less than a second a megabyte; with quadratic rules it would take hours."""
    text = piece * (300_000 // len(piece))
    start = time.process_time()
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert parse(text).kind == kind_of(text)
    assert same_content(text, text + "\n")
    assert time.process_time() - start < 5


def test_deeply_nested_json_is_text() -> None:
    deep = "[" * 10_000 + '"a"' + "]" * 10_000
    assert parse(deep).kind == parse('{"answer": ' * 10_000).kind == "prose"
    assert same_content(deep, deep)
