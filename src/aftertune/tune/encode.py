"""From conversations to token ids, and to padded batches.

Prompt and completion are tokenized apart, as at generation, so training sees the prompt's tokens exactly
as they will be. Only the completion (the last answer and the end of its turn) is learnt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aftertune.backends.chat import Chat
from aftertune.errors import TuneError
from aftertune.records import Row

IGNORE = -100


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation as tokens."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.completion)


@dataclass(frozen=True, slots=True)
class Encoded:
    """The examples of a training set, and what the length limit did to it."""

    examples: tuple[Example, ...]
    n_cut: int
    n_left_out: int


def encode(rows: Sequence[Row], chat: Chat, max_length: int) -> Encoded:
    """Tokenize every row; answers are cut at `max_length`, rows whose prompt alone fills it are left out.

    Raises:
        TuneError: nothing is left to train on, or not one answer is left whole.
    """
    whole = [_example(row, chat) for row in rows]
    fitting = [example for example in whole if len(example.prompt) < max_length]
    if not fitting:
        raise TuneError(
            f"all {len(rows)} prompts are longer than max_length ({max_length} tokens)",
            "raise tune.max_length, or use shorter rows",
        )
    cut = [Example(e.prompt, e.completion[: max_length - len(e.prompt)]) for e in fitting]
    n_cut = sum(example.length > max_length for example in fitting)
    if n_cut == len(fitting):
        left_out = f" ({len(whole) - n_cut} more rows have a prompt that fills it)" if n_cut < len(whole) else ""
        raise TuneError(
            f"all {n_cut} answers are cut at max_length ({max_length} tokens){left_out}: not one would be learnt whole",
            f"raise tune.max_length (the shortest row has {min(e.length for e in fitting)}), or use shorter rows",
        )
    return Encoded(tuple(cut), n_cut, len(whole) - len(fitting))


def fits(row: Row, chat: Chat, max_length: int) -> bool:
    """Whether a row is learnt whole."""
    return _example(row, chat).length <= max_length


def _example(row: Row, chat: Chat) -> Example:
    prompt = chat.tokens(chat.prompt(row.turns[:-1]))
    return Example(tuple(prompt), tuple(chat.tokens(chat.completion(row.turns))))


def total_steps(n_examples: int, batch_size: int, epochs: float) -> int:
    """How many optimizer steps; at least one.

    >>> total_steps(100, 16, 2)
    14
    """
    return max(1, round(math.ceil(n_examples / batch_size) * epochs))


def pad(examples: Sequence[Example], pad_id: int) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Right-padded ids, attention mask and labels; labels are `IGNORE` outside the completion."""
    longest = max(example.length for example in examples)
    ids, mask, labels = [], [], []
    for example in examples:
        fill = longest - example.length
        ids.append([*example.prompt, *example.completion, *[pad_id] * fill])
        mask.append([1] * example.length + [0] * fill)
        labels.append([IGNORE] * len(example.prompt) + [*example.completion] + [IGNORE] * fill)
    return ids, mask, labels
