"""Imperative: the request is phrased as an order, or as a question.

Only its instruction is looked at, up to the first blank line; what is attached to it may hold orders and questions
of its own.
"""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Seen, words_of

_LOOKED_AT = 800  # characters of the instruction
_VERBS = words_of(
    """
    accept act add adopt advise alphabetize analyse analyze announce annotate answer apologise apologize apply
    argue arrange articulate ask assess assign assume attempt balance be book brainstorm break brief build
    calculate calculate/evaluate capitalize categorise categorize change characterize chart check choose cite
    clarify classify combine come comment compare compile complete compose compute conclude condense conduct
    consider construct contrast continue convert convince copy correct count craft create debug decide decode
    deduce define delete demonstrate derive describe design detail detect determine develop devise diagram
    differentiate discuss display distinguish divide do don't draft draw edit elaborate embody eliminate employ
    encode enumerate envision estimate evaluate examine exemplify expand explain explore express extend extract
    factor fetch figure fill finalize find finish fix follow form format formulate forecast generate get give go
    greet group guess handle help highlight hypothesize identify illustrate imagine impersonate implement improve
    include incorporate indicate infer inform insert inspire integrate interpret introduce invent investigate
    judge justify keep label let let's let\u2019s link list listen locate look make mark match measure mention
    merge modify multiply name narrate note notify obey offer open optimize order organise organize outline output
    paint paraphrase parse pass perform persuade pick place plan play plot predict prepare present pretend print
    prioritize produce pronounce proofread propose prove provide punctuate put quote rank rate read rearrange
    reason recall recite recommend record reduce refactor refer reformat refute remove rename reorder reorganize
    repeat rephrase replace reply report represent request research resolve respond restate restructure retell
    return reverse review revise rewrite rhyme roleplay role-play round say scan schedule score search select send
    sequence set share shorten show simplify simulate sing sketch skip solve sort speak specify spell split spot
    start state stay stop strip suggest sum summarise summarize supply support suppose swap synthesize take talk
    teach tell test think trace transcribe transform translate treat troubleshoot try turn type uncover underline
    unscramble update use utilise utilize validate verify visualise visualize watch write
    """
) | {"role-play"}
_COURTESY = words_of(
    "please only kindly now then also first next finally just and so but okay ok hello hi hey thanks pls again q"
)
_START = re.compile(r"(?:\A|[.!?:;]\s{1,3}|\n\s{0,8})[\"'(\u201c*#>-]{0,3}\s?")
_WORD = re.compile(r"[A-Za-z][A-Za-z'\u2019-]*,?:?")
_CLAUSE = re.compile(
    r"(?:given|using|based|in|for|as|with|from|after|if|when|to|considering|suppose|without|on|at|by|before"
    r"|once|like|following|assuming|acting|no|according|instead|while|under)\Z",
    re.IGNORECASE,
)
_AFTER_COMMA = re.compile(r",\s(?:please |then |and |also )?([A-Za-z-]{2,15})\b(?!:)")
_MUST = re.compile(
    r"\byou(?: will)? (?:must|should|have to|need to|are (?:required|asked|expected|supposed|to)\b|are going to)"
    r"|\b(?:your|the) (?:task|job|goal|mission|role) is (?:to\b|that\b)"
    r"|\bI(?: want|['\u2019]d like| would like| need) you to\b|\b(?:should|must|needs? to|has to) be \w+(?:ed|en)\b",
    re.IGNORECASE,
)
_AFTER_NOUNS = (" of ", " is ", " are", " was")
_SUBJECTS = words_of("you i we they he she it people")
_MUST_SIGNS = ("you must", "you should", "you have to", "you need", "you are", "you will", " is to", "you to", " be ")
_QUESTION_WORDS = words_of(
    "what what's whats what\u2019s who who's whom whose how why when where where's which is are was were do"
    " does did can could would will should shall has have had may am isn't aren't don't doesn't didn't can't"
    " couldn't wouldn't won't won\u2019t"
)
_TO_THE_POINT = re.compile(
    r"\b(?:answer|respond to|reply to)\b[^.!?\n]{0,40}(?:question|quer(?:y|ies))|\bquestion:?\s*\Z",
    re.IGNORECASE,
)
_OPENING_WORDS = re.compile(r"(?:q: ?)?([a-z'\u2019]+) ?([a-z'\u2019]*)", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c][^\"\u201c\u201d\n]{0,300}[\"\u201d]")


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether the request orders, and whether it asks.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return [one.label for one in find(Seen(Row("1", (Turn("user", text),))))]
    >>> found("Please name a tree."), found("which tree is tallest"), found("Is it late? Tell me."), found("Thanks!")
    (['imperative'], ['question'], ['imperative', 'question'], [])
    """
    request = seen.request.strip()
    if not request:
        return ()
    instruction = _instruction(request)
    ordered = _ordered(instruction)
    asked = _asked(instruction) or _asked_below(request, instruction, ordered)
    if not ordered and not asked and len(instruction) < len(request):
        ordered = _ordered_below(request[len(instruction) :][-_LOOKED_AT:])
    found = (Found("imperative", ordered),) if ordered else ()
    return (*found, Found("question", asked)) if asked else found


def _instruction(request: str) -> str:
    head, blank, tail = request.partition("\n\n")
    if blank and len(head) < 25 and not head.endswith((".", "?")):
        head = f"{head}\n{tail.partition(chr(10) * 2)[0]}"
    return head[:_LOOKED_AT]


def _ordered(text: str) -> str:
    """The word or words that give an order; empty when there are none."""
    for start in _START.finditer(text):
        word = _opening_word(text, start.end())
        if word:
            return word
    low = text.lower()
    if any(sign in low for sign in _MUST_SIGNS):
        match = _MUST.search(text)
        if match:
            return match.group()
    return ""


def _opening_word(text: str, place: int) -> str:
    """The verb in its bare form that opens a sentence, after words of courtesy or a first clause."""
    for _ in range(4):
        match = _WORD.match(text, place)
        if not match:
            return ""
        word = match.group()
        plain = word.rstrip(",:").lower()
        if plain in _VERBS:
            other = word.endswith(":") or _is_noun(text, match.end()) or plain == "do" and _asks(text, match.end())
            return "" if other else word.rstrip(",")
        if _CLAUSE.match(plain):
            return _after_clause(text, match.end())
        if plain not in _COURTESY:
            return ""
        place = match.end() + 1
    return ""


def _asks(text: str, end: int) -> bool:
    """`Do you know`, `Do levels predict ...?`: what follows is a subject."""
    rest = text[end : end + 200]
    return (
        rest[:1] == " "
        and (rest.split(maxsplit=1)[:1] or [""])[0].lower() in _SUBJECTS
        or "?" in rest.partition(".")[0]
    )


def _is_noun(text: str, end: int) -> bool:
    """`Plan of action`, `Test results are`: the word was no order."""
    return text[end : end + 4] in _AFTER_NOUNS and text[end - 5 : end].lower() not in ("think", "speak", "dream")


def _after_clause(text: str, place: int) -> str:
    """`In one sentence, describe ...`: a verb after a comma of the same sentence."""
    stop = place + 200
    for mark in ".!?\n":
        found = text.find(mark, place, stop)
        stop = found if found >= 0 else stop
    for match in _AFTER_COMMA.finditer(text, place, min(stop, len(text))):
        if match.group(1).lower() in _VERBS:
            return match.group(1)
    return ""


def _ordered_below(text: str) -> str:
    """The order that opens a later paragraph, under a text to work on."""
    openings = (_opening_word(part, 0) for part in text.split("\n\n"))
    return next((word for word in openings if word), "")


def _asked(text: str) -> str:
    """The question in an instruction; empty when there is none."""
    bare = _QUOTED.sub(" ", text) if '"' in text or "\u201c" in text else text
    for mark in "?\uff1f":
        end = bare.find(mark)
        if end >= 0:
            start = max(bare.rfind(stop, 0, end) for stop in (". ", "! ", "\n", "\u3002")) + 1
            return bare[start : end + 1].strip() if bare[start : end + 1].strip() in text else mark
    opening = _OPENING_WORDS.match(bare)
    if not opening or opening.group(1).lower() not in _QUESTION_WORDS:
        return ""
    unclear = opening.group(1).lower() in ("do", "have", "may", "will") and opening.group(2).lower() not in _SUBJECTS
    return "" if unclear else opening.group(1)


def _asked_below(request: str, instruction: str, ordered: str) -> str:
    """A question in what follows, when the instruction is to answer it, or is none."""
    if len(instruction) >= len(request) or "?" not in request or ordered and not _TO_THE_POINT.search(instruction):
        return ""
    return _asked(request[len(instruction) :][:_LOOKED_AT])


DETECTOR = Detector(
    version="1",
    about="Is the request phrased as an order, or as a question?",
    labels=("imperative", "question"),
    find=find,
    limits="Knows English verbs, and question marks in any language. Looks at the instruction before the first blank "
    "line; a question that is attached counts only where the instruction is to answer it.",
    background=("imperative", "question"),
)
