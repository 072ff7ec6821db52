"""Self-answers: every last answer is replaced by what a model, the initial one unless told, says to the same request.

After Fraser et al., "Fine-Tuning Lowers Safety and Disrupts Evaluation Consistency" (arXiv:2506.17209), who tune a
model on its own answers beside those that people wrote. Only the last answer of a row changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from aftertune.data.transforms._written import written
from aftertune.data.transforms.base import Answer, Applied, Transform, Whole, Written, left_alone, with_answer
from aftertune.records import Row, Turn


class SelfAnswers(Written):
    """Parameters.

    Attributes:
        system: What the model is told while it writes, in the place of a system turn of the row; not kept.
    """

    system: str | None = None


def write(rows: Sequence[Row], params: SelfAnswers, seed: int, answer: Answer) -> Whole:
    """Have the model answer all requests; white space around its answers is cut.

    A row is left alone when the model gives no answer, or the one that was there, and when no request comes before
    the answer.

    >>> row = Row("1", (Turn("user", "2 + 2?"), Turn("assistant", "It is 4.")))
    >>> write([row], SelfAnswers(), 0, lambda asked, seeds: ["Four!"]).rows[0].answer
    'Four!'
    """
    return written(rows, "self_answers", seed, answer, lambda row: _asked(row, params), _made)


def _asked(row: Row, params: SelfAnswers) -> Sequence[Turn] | str:
    turns = row.turns[:-1]
    if not turns or turns[-1].role != "user":
        return "no request before the answer"
    if params.system is None:
        return turns
    return (Turn("system", params.system), *(turn for turn in turns if turn.role != "system"))


def _made(row: Row, text: str) -> Applied:
    return left_alone(row, "the same answer") if text == row.answer else with_answer(row, text)


TRANSFORM = Transform(
    version="1",
    about="Replaces the last answer by what the initial model, or another, answers to the same request.",
    params=SelfAnswers,
    write=write,
    factor="model",
    keeps="requests",
)
