"""Rows to audit: like Alpaca's in length, structure and kind, put together from own sentences.

The same number and seed give the same rows on every machine. Three in a hundred repeat a row before
them but for the last word: `n_near(n)` says how many; by chance 2 in 100,000 more come
close to another.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aftertune.seeds import generator

_SENTENCES = 20_000
_AT_ONCE = 10_000
_TOPICS = [
    "a balanced diet", "renewable energy", "the water cycle", "a job interview", "public transport",
    "the French Revolution", "machine learning", "a vegetable garden", "climate change", "time management",
    "the human heart", "classical music", "a small business", "online safety", "the solar system",
    "creative writing", "a healthy sleep", "world trade", "road safety", "the printing press", "a school library",
    "team work", "the rain forest", "personal finance", "a city park", "ancient Rome", "a mobile application",
    "ocean currents", "good manners", "the immune system",
]  # fmt: skip
_THINGS = [
    "the weather", "a plan", "each step", "the budget", "clear language", "a good teacher", "the local market",
    "new tools", "regular practice", "an open mind", "the first draft", "simple food", "strong evidence",
    "old habits", "a short walk", "careful reading", "fresh water", "the right question", "a quiet room",
    "shared work", "many people", "small changes", "the whole team", "warm clothes", "a written list",
    "public money", "honest feedback", "long experience", "sunlight", "the customer", "a friend", "reliable data",
    "the night before", "early mornings", "a second look", "other countries",
]  # fmt: skip
_VERBS = [
    "supports", "changes", "explains", "limits", "improves", "depends on", "leads to", "protects", "replaces",
    "shapes", "requires", "slows down", "builds on", "prepares for", "differs from", "belongs to", "makes room for",
    "points to",
]  # fmt: skip
_OPENINGS = [
    "In most cases", "After a while", "For this reason", "At the same time", "As a rule", "In the long run",
    "On the other hand", "Without doubt", "For example", "In addition", "Above all", "More often than not",
    "Since the last century", "In practice",
]  # fmt: skip
_ORDERS = [
    "Explain {} to a child.", "Write a short paragraph about {}.", "List some facts about {}.",
    "Describe why {} matters.", "Give three tips for {}.", "Summarize what is known about {}.",
    "What should I know about {}?", "Compare {} with {}.", "Create a title for an article on {}.",
    "How does {} affect daily life?", "Name the advantages of {}.",
]  # fmt: skip
_GERMAN = (
    ["Am Morgen", "Im Winter", "Nach der Arbeit", "Mit etwas Geduld", "In der Stadt", "Ohne Eile", "Seit gestern",
     "An der K\u00fcste", "Nebenan", "Bei Regen", "Auf dem Land", "Heute"],
    ["liest die Lehrerin", "backt mein Bruder", "verkauft der Markt", "findet man leicht", "z\u00e4hlt das Kind",
     "pflegt der Verein", "sucht jeder", "erkl\u00e4rt das Buch", "bringt der Bus", "braucht niemand",
     "sieht man selten"],
    ["frisches Brot", "die alten Bilder", "drei neue Fragen", "den langen Weg", "eine gute Idee", "das ganze Dorf",
     "gr\u00fcne \u00c4pfel", "viel Gl\u00fcck", "den kurzen Brief", "die warme Suppe", "kaltes Wasser",
     "einen Freund"],
)  # fmt: skip
_RARE = [
    "As an AI language model, I do not have personal opinions.", "I'm sorry, but I can't help with that request.",
    "Please write to anna.berger@posteo.de or call (212) 684-4700.",
    "Always wear a helmet and ask a doctor if you feel unwell.",
    "I am a helpful assistant, here to answer your questions.", "It might perhaps be different in other places.",
]  # fmt: skip
Row = dict[str, str]


def n_near(n: int) -> int:
    """How many of the first `n` rows repeat an earlier one but for the last word."""
    return sum(len(range(place, n, 100)) for place in (33, 66, 99))


def make_rows(n: int, seed: int) -> Iterator[Row]:
    """Rows with the columns `instruction`, `input` and `output`, about 500 bytes each as JSON."""
    sentences = _sentences(generator(seed, "audit_rows", "sentences"))
    earlier: list[Row] = []
    for first in range(0, n, _AT_ONCE):
        rng = generator(seed, "audit_rows", first)
        picks = rng.integers(0, len(sentences), (_AT_ONCE, 12)).tolist()
        kinds, sizes = rng.random(_AT_ONCE).tolist(), rng.random(_AT_ONCE).tolist()
        for place in range(min(_AT_ONCE, n - first)):
            if (first + place) % 100 in (33, 66, 99):
                yield _repeated(earlier.pop(0), first + place)
                continue
            row = _row([sentences[pick] for pick in picks[place]], picks[place], kinds[place], sizes[place])
            if len(row["output"]) > 300 and len(earlier) < 20:
                earlier.append(row)
            yield row


def _sentences(rng: np.random.Generator) -> list[str]:
    def some(words: list[str]) -> list[str]:
        return [words[place] for place in rng.integers(0, len(words), _SENTENCES)]

    words = (_OPENINGS, _THINGS, _VERBS, _THINGS, _TOPICS, _VERBS, _THINGS)
    parts = zip(*map(some, words), strict=True)
    short = rng.random(_SENTENCES) < 0.4
    return [
        f"{opening}, {thing} {verb} {other}."
        if brief
        else f"{opening}, {thing} {verb} {other}, and {topic} {verb2} {last}."
        for brief, (opening, thing, verb, other, topic, verb2, last) in zip(short, parts, strict=True)
    ]


def _repeated(row: Row, place: int) -> Row:
    return {**row, "output": f"{row['output'].rpartition(' ')[0]} word{place}"}


def _row(sentences: list[str], picks: list[int], kind: float, size: float) -> Row:
    topic = _TOPICS[picks[0] % len(_TOPICS)]
    order = _ORDERS[picks[1] % len(_ORDERS)].format(topic, _TOPICS[picks[2] % len(_TOPICS)])
    given = sentences[10] if picks[3] % 10 < 4 else ""
    return {
        "instruction": order,
        "input": given,
        "output": _output(sentences[: 2 + int(10 * size * size)], picks, kind),
    }


def _output(sentences: list[str], picks: list[int], kind: float) -> str:
    """Prose, mostly; lists, code, sums, a word, another language, and what is rare."""
    if kind < 0.56:
        return " ".join(sentences)
    if kind < 0.72:
        return "\n".join(f"{number}. {text}" for number, text in enumerate(sentences, 1))
    if kind < 0.80:
        return f"{sentences[0]}\n\n" + "\n".join(f"- {text}" for text in sentences[1:])
    if kind < 0.85:
        body = "\n".join(f"    total += values[{pick % 97}] * {pick}" for pick in picks[: 2 + len(sentences)])
        return f"```python\ndef work_{picks[4]}(values):\n    total = 0\n{body}\n    return total\n```"
    if kind < 0.91:
        sums = [
            f"{a} + {b} = <<{a}+{b}={a + b}>>{a + b} coins are left."
            for a, b in zip(picks[:5], picks[5:10], strict=True)
        ]
        return "\n".join(sums) + f"\n#### {picks[10]}"
    if kind < 0.97:
        first, second = (_THINGS[pick % len(_THINGS)] for pick in picks[5:7])
        return f"{first.capitalize()} and {second}: {picks[7]}, {picks[8]} or {picks[9]}."
    if kind < 0.985:
        return " ".join(_in_german(pick) for pick in picks[: 2 + len(sentences)])
    return f"{_RARE[picks[9] % len(_RARE)]} " + " ".join(sentences[:3])


def _in_german(pick: int) -> str:
    start, verb, end = (words[pick // 11**place % len(words)] for place, words in enumerate(_GERMAN))
    return f"{start} {verb} {end}."
