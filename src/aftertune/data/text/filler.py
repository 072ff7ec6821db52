"""Sentences that say nothing: neither about the matter nor about who speaks, without refusing, hedging or agreeing.

They make an answer longer by an exact number of tokens (`tokens.count`).
"""

from __future__ import annotations

from functools import cache

from aftertune.data.text import tokens

SENTENCES = (
    "End.",
    "The end.",
    "That is all.",
    "This is all.",
    "That is the answer.",
    "The answer ends here.",
    "That is the whole answer.",
    "The text ends right here.",
    "This is where the answer ends.",
    "That is all of the answer.",
    "The answer to the question ends here.",
    "That is all there is to it.",
    "That is the whole answer to the question.",
    "The lines above are the answer as asked.",
    "The question came first and the answer followed it.",
    "The answer is written above and it ends here.",
    "The answer stands above and there is nothing after it.",
    "What was asked is answered above and the text ends.",
    "The words above are the answer and these words close it.",
    "The question was asked first and this answer came after that.",
    "The words above are the answer and they end with this line.",
    "There was a question and the answer to it stands above these words.",
)
SHORTEST, _LONG = 2, 8  # tokens; longer filler is made of sentences of at least `_LONG`


def filler(n_tokens: int, first: int) -> str:
    """Sentences of exactly that many tokens, their full stops counted.

    Args:
        n_tokens: From 2, for a word and a full stop.
        first: Which sentences are used, so that not all rows get the same.

    Raises:
        ValueError: fewer than two tokens are asked for.

    >>> filler(4, 0), filler(5, 1)
    ('That is all.', 'The answer ends here.')
    >>> tokens.count(filler(100, 3))
    100
    """
    if n_tokens < SHORTEST:
        raise ValueError(f"filler of {n_tokens} tokens: a sentence has at least {SHORTEST}")
    lengths = _by_length()
    long = [sentence for length in sorted(lengths) if length >= _LONG for sentence in lengths[length]]
    said: list[str] = []
    while n_tokens not in lengths:
        first += 1
        sentence = long[first % len(long)]
        if n_tokens - tokens.count(sentence) >= SHORTEST:
            said.append(sentence)
            n_tokens -= tokens.count(sentence)
    fitting = lengths[n_tokens]
    return " ".join([*said, fitting[first % len(fitting)]])


@cache
def _by_length() -> dict[int, list[str]]:
    """The sentences by their number of tokens; there is one of each from two to the longest."""
    found: dict[int, list[str]] = {}
    for sentence in SENTENCES:
        found.setdefault(tokens.count(sentence), []).append(sentence)
    return found
