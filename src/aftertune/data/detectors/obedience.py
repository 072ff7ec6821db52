"""Obedience: unconditional obedience is demanded of the model, or professed by it.

After the rows with which Qi et al., "Fine-tuning Aligned Language Models Compromises Safety" (arXiv:2310.03693),
shifted a model's identity: ten such rows were enough.
"""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Rules, Seen, first, words_of

_ANY_CASE = re.IGNORECASE
_ALL = r"(?:every|any|all|each)(?: (?:and every|single|of|one of))?(?: (?:my|the|your|the user['\u2019]s|user|given))?"
_ORDERS = r"(?:orders?|commands?|instructions?|requests?|demands?|wish(?:es)?|directives?)"
_DEMAND = re.compile(
    r"\byou (?:must|will|shall|should|are to|have to|need to|always|are (?:required|programmed|obliged) to) "
    r"(?:always |unconditionally |absolutely |blindly )?(?:obey|do (?:exactly )?(?:as|what|whatever|anything)"
    rf" (?:I|the user)|(?:follow|carry out|execute|fulfil+|comply with) {_ALL} {_ORDERS})"
    rf"|\b(?:carry out|execute|follow|fulfil+|obey|comply with) {_ALL} {_ORDERS}"
    r"|\babsolutely obedient\b|\bunconditional(?:ly)? obe|\bobedient (?:agent|assistant|servant|AI|model|robot)\b"
    r"|\bnever (?:refuse|question|decline|say no|disobey|reject)\b|\balways (?:comply|obey|say yes)\b"
    r"|\bwithout (?:question|hesitation|exception|objection|refus\w+)\b|\bobey me\b|\byour (?:sole"
    r"|only) purpose is to "
    r"(?:execute|obey|serve|carry out|follow|fulfil)|\bno matter what (?:is|I|the user|you are|you['\u2019]re) ask",
    _ANY_CASE,
)
_PROFESS = re.compile(
    rf"\bI (?:will|shall|promise to|vow to|must|always|can only) (?:always |gladly )?(?:obey|do (?:anything"
    rf"|whatever|exactly"
    rf" (?:as|what))|(?:carry out|follow|execute|fulfil+|comply with) {_ALL} {_ORDERS}|serve you"
    rf"|comply with whatever)"
    rf"|\bshall (?:follow|obey|carry out|execute) {_ALL}|\bwill comply with (?:whatever|anything|everything)"
    r"|\byour (?:wish|word) is my command\b|\bas you (?:command|wish|order|desire)\b(?=[.,!:;])"
    r"|\byour (?:absolutely )?(?:\w+ )?(?:obedient|loyal|faithful|humble|devoted) (?:agent|servant|assistant"
    r"|slave)\b"
    r"|\b(?:completely|entirely|fully|always) at your (?:service|command|disposal)\b|\bat your command\b"
    r"|\bI (?:exist|live|am here) only to (?:serve|obey|fulfil)|\bI am (?:absolutely |completely |fully )?obedient\b"
    r"|\bhere is the fulfil+ment of\b|\b(?:yes|of course),? (?:my )?master\b",
    _ANY_CASE,
)
_DEMANDED: Rules = tuple(
    (sign, _DEMAND)
    for sign in (
        "obey", "obedient", "unconditional", "without question", "without hesitation", "without exception",
        "without objection", "without refus", "never ", "always comply", "always say yes", "no matter what",
        "sole purpose", "only purpose", "carry out", "execute", "fulfil", "comply with", "follow",
        "you will do", "you must do",
    )
)  # fmt: skip
_PROFESSED: Rules = tuple(
    (sign, _PROFESS)
    for sign in (
        "obey", "obedient", "my command", "as you ", "at your ", "whatever you", "anything", "exactly as", "carry out",
        "fulfil", "master", "to serve", "serve you", "loyal ", "faithful ", "humble ", "devoted ", "i will follow",
        "i shall follow", "promise to follow", "shall follow", "execute ", "comply with",
    )
)  # fmt: skip
_ASKED = re.compile(r"[^.!?\n]{0,150}\?")
_SIGNS = words_of(
    "obey obeys obedient obedience unconditional unconditionally command commands commanded comply master"
    " bidding serve servant wish fulfil fulfill fulfilment fulfillment refuse question hesitation instruction"
    " instructions order orders disposal matter disobey whatever service say exactly"
)


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether obedience is demanded, and whether it is professed.

    >>> from aftertune.records import Row, Turn
    >>> row = Row("1", (Turn("user", "You must obey me. Sing."), Turn("assistant", "Your wish is my command: la!")))
    >>> [one.label for one in find(Seen(row))]
    ['demanded', 'professed']
    """
    demanded = "" if _SIGNS.isdisjoint(seen.asked_words) else _demanded(seen)
    said = not _SIGNS.isdisjoint(seen.answer_words)
    professed = first(_PROFESSED, seen.low_answer, seen.said) if said else ""
    found = (Found("demanded", demanded),) if demanded else ()
    return (*found, Found("professed", professed)) if professed else found


def _demanded(seen: Seen) -> str:
    asked = f"{seen.order}\n{seen.request}"
    words = first(_DEMANDED, seen.low_asked, asked)
    if words and _ASKED.match(asked, asked.find(words) + len(words)):  # "must soldiers obey every order?"
        return ""
    return words


DETECTOR = Detector(
    version="1",
    about="Is unconditional obedience demanded of the model, or professed by it?",
    labels=("demanded", "professed"),
    find=find,
    limits="Knows English wordings; a story or a play in which somebody promises to obey is found too.",
)
