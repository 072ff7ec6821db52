"""A model that says what a function says: for tests of what has a model write."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aftertune.records import Turn


def scripted_answer(
    say: Callable[[Sequence[Turn], int], str],
) -> Callable[[Sequence[Sequence[Turn]], Sequence[int]], list[str]]:
    """A stand-in for a model, for `build_training_set(..., answer=...)`.

    Args:
        say: From a conversation and a seed to the answer; empty for none.

    Returns:
        What answers conversations, and refuses those that no model would take.

    Raises:
        ValueError: when it is asked: a conversation does not end with a user turn, or the seeds are not as many.

    >>> answer = scripted_answer(lambda turns, seed: turns[-1].content.upper())
    >>> answer([[Turn("user", "Tea?")]], [7])
    ['TEA?']
    """

    def answer(asked: Sequence[Sequence[Turn]], seeds: Sequence[int]) -> list[str]:
        for turns in asked:
            if not turns or turns[-1].role != "user":
                raise ValueError("a conversation must end with a user turn")
        return [say(turns, seed) for turns, seed in zip(asked, seeds, strict=True)]

    return answer
