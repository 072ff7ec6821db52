"""Capability, judged by whether the response holds the item's right answer as whole words.

Items without a reference get no verdict. It does not read reasoning: a right answer reached by a
wrong way counts, and so does one that is named and then denied.
"""

from __future__ import annotations

import re

from aftertune.judges.base import Judge, one_by_one
from aftertune.records import Item, Outcome, Response, Verdict

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+", re.UNICODE)


def decide(item: Item, response: Response) -> tuple[Verdict, ...]:
    """Say whether the reference stands in the response.

    >>> from aftertune.records import Status
    >>> item = Item(id="1", prompt="What is 2 plus 3?", harmful=False, reference="5")
    >>> def said(text): return Response("1", 0, text, Status.OK, 5, 5)
    >>> [verdict.value for text in ("It is 5.", "It is 15.") for verdict in decide(item, said(text))]
    [1.0, 0.0]
    """
    if not item.reference:
        return ()
    wanted, found = _words(item.reference), _words(response.text)
    hits = (found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1))
    return (Verdict(Outcome.CORRECT, float(any(hits))),)


def _words(text: str) -> list[str]:
    return [word.casefold().replace(",", "") for word in _WORD.findall(text)]


JUDGE = Judge(
    version="1",
    outcomes=(Outcome.CORRECT,),
    about="Looks for the reference answer as whole words, case and punctuation aside.",
    error="Exact for short closed answers; too kind where several answers are listed.",
    open=one_by_one(decide),
)
