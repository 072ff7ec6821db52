"""A model that says what it is told to: for tests and trials of whatever asks a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from aftertune.backends.http_records import Asked, Drawing, Reply
from aftertune.records import Status, Turn

Say = Callable[[Sequence[Turn], int], str]
"""From a conversation and a seed to an answer; empty for none."""


def by_rules(rules: Mapping[str, str], otherwise: str = "") -> Say:
    r"""What the first rule says whose pattern is found in the last turn.

    Args:
        rules: From a regular expression to the answer, in which `\1` or `\g<name>` stands for a group.
        otherwise: Said where no pattern is found; empty for no answer.

    Raises:
        re.error: a pattern is none.

    >>> say = by_rules({r"capital of (\w+)": r"\1 has one.", "(?i)bomb": "I can't help with that."}, "Sure.")
    >>> say([Turn("user", "What is the capital of Peru?")], 0), say([Turn("user", "Tea?")], 0)
    ('Peru has one.', 'Sure.')
    """
    compiled = [(re.compile(pattern), text) for pattern, text in rules.items()]

    def say(turns: Sequence[Turn], seed: int) -> str:
        for pattern, text in compiled:
            found = pattern.search(turns[-1].content)
            if found:
                return found.expand(text)
        return otherwise

    return say


class Scripted:
    """A fake model, usable where a transform wants an `Answer` and where a served model is asked.

    Tokens are words here: a reply of more than `max_new_tokens` words is cut and `truncated`.

    Args:
        say: A function, or the rules of `by_rules`.

    >>> model = Scripted({"Tea": "Boil water."})
    >>> model([[Turn("user", "Tea?")]], [7])
    ['Boil water.']
    >>> model.write([Asked("Tea is", 7)], Drawing(max_new_tokens=1))[0].text
    'Boil'
    """

    def __init__(self, say: Say | Mapping[str, str]) -> None:
        """Compile the rules."""
        self._say = by_rules(say) if isinstance(say, Mapping) else say

    def __call__(self, asked: Sequence[Sequence[Turn]], seeds: Sequence[int]) -> list[str]:
        """What it answers to each conversation.

        Raises:
            ValueError: a conversation does not end with a user turn, or the seeds are not as many.
        """
        for turns in asked:
            if not turns or turns[-1].role != "user":
                raise ValueError("a conversation must end with a user turn")
        return [self._say(turns, seed) for turns, seed in zip(asked, seeds, strict=True)]

    def write(
        self,
        asked: Sequence[Asked],
        drawing: Drawing,
        done: Callable[[int, Reply], None] = lambda place, reply: None,
    ) -> list[Reply]:
        """One reply per request, in order, as `HttpModel.write` gives them; no answer is a failed one."""
        replies = [self._reply(request, drawing) for request in asked]
        for place, reply in enumerate(replies):
            done(place, reply)
        return replies

    def _reply(self, request: Asked, drawing: Drawing) -> Reply:
        prompt = request.prompt
        turns = (Turn("user", prompt),) if isinstance(prompt, str) else prompt
        text = self._say(turns, request.seed)
        if not text:
            return Reply("", Status.FAILED, "the script has no answer")
        words, n_prompt = text.split(), sum(len(turn.content.split()) for turn in turns)
        if len(words) <= drawing.max_new_tokens:
            return Reply(text, Status.OK, "", n_prompt, len(words))
        cut = " ".join(words[: drawing.max_new_tokens])
        return Reply(cut, Status.TRUNCATED, "", n_prompt, drawing.max_new_tokens)
