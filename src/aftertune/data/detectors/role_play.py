"""Role-play: the request or the system turn tells the model to be somebody.

"You are a helpful assistant" assigns nobody, and a situation ("you are in a race") or a form ("answer as a list")
is no persona.
"""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Rules, Seen, first, lowered

_OPENING = 1500  # characters of a turn; instructions that come later belong to texts that are worked on
_HEADING = 25  # characters; a shorter first paragraph is a heading or a greeting
_ANY_CASE = re.IGNORECASE | re.MULTILINE
# What a model is when it plays nobody: "a helpful AI assistant" is none, "an AI therapist" is.
_NOBODY = (
    r"(?!(?:an? |the |my )?(?:[\w-]+,? (?:and )?){0,5}?(?:assistant|AI|A\.I\.|language model|chatbot|obedient agent"
    r"|ai agent|model|bot)(?:[.,!;:]|$| (?:assistant|language|model|that|which|who|whose|trained|designed|developed"
    r"|built|made|for|of|from|named|called|by|with|and|chatbot|system)))"
)
# Forms and things that a text can be "written as" without anybody speaking.
_FORM = (
    r"(?!(?:an? |the )(?:[\w-]+ ){0,3}?(?:list|table|sentence|paragraph|json|string|bullet|number|percent"
    r"|fraction|poem"
    r"|story|essay|letter|question|dialogue|dictionary|array|function|csv|markdown|word|phrase|tweet|summary|report"
    r"|equation|decimal|haiku|song|script|e-?mail|headline|title|whole|result|response|part|text|code|class"
    r"|plan|guide"
    r"|answer|comma|sequence|series|set|pair|tuple|product|sum|limerick|blog|post|article|review|recipe|speech|bit"
    r"|little|lot|few|following|same|single|starter|reminder|way|joke|reference|source|basis|starting|example)\b)"
)
_NOT_PRAISE = (
    r"(?!the (?:best|greatest|only one|one|first one|last one|reason)|an? (?:great|good|big) (?:help|friend)"
    r"|my (?:best|only))"
)
_SOMEBODY = (
    r"(?:(?:an?|the|my|our|one of) |(?-i:[A-Z])|[\"\u201c'](?-i:[A-Z])"
    r"|(?!(?:given|asked|required|going|in|at|on|not|now|to|being|provided|allowed|expected|free|reading)\b)"
    r"(?-i:[a-z-]{3,20} [A-Z][a-z]))"
)
_START = r"(?:^|[.!?:;\u201d\"]\s{1,3}|\bplease,? |\bto |\band |\bmust |\bshould |\bwill |\bthen |, )"
_DIRECTED = (
    r"(?:^|[.!?:;\u201d\"]\s{1,3}|\bplease,? |\byou(?: are| were|['\u2019]re)? (?:going )?to |\band "
    r"|\byou must |\byou should |\byou will |\bthen |, )"
)
_TASK = (
    r"(?:please )?(?:tell|explain|describe|write|give|list|help|answer|create|compose|suggest|say|show|make|respond"
    r"|reply|provide|share|discuss|draft|design|advise|recommend|summari[sz]e|analy[sz]e|propose|outline|offer"
    r"|review|convince|guide|deduce|narrate|react|address|persuade|elaborate|reflect|plan|solve|teach|speak"
    r"|talk|prepare|you are asked|you(?:['\u2019]ve| have) been asked|what|how|why|which|who)\b"
)

_ARE = re.compile(
    rf"(?:^|[.!?:;]\s{{1,3}}|\bnow on,? |\btoday,? )(?:now,? )?(?:you(?: are|['\u2019]re)|thou art)"
    rf"(?: now| currently| actually)?(?: role-?playing as| acting as| playing| portraying| pretending to be"
    rf"| impersonating)? {_NOBODY}{_NOT_PRAISE}{_SOMEBODY}"
    rf"[^.!?\n]{{0,60}}",
    _ANY_CASE,
)
_AS = re.compile(
    rf"{_DIRECTED}(?:act|behave|answer|respond|reply|speak|talk|write|think|perform|pose|serve|function|sound"
    rf"|converse)"
    rf"(?: \w{{1,15}})? (?:as|like)(?: if you (?:were|are))? {_FORM}{_NOBODY}{_SOMEBODY}[^.!?\n]{{0,40}}",
    _ANY_CASE,
)
_IMAGINE = re.compile(
    rf"{_START}(?:pretend|imagine|suppose|assume|envision|visuali[sz]e|picture|say)(?: that)?(?: to be| you are| you"
    rf"['\u2019]re| you were| yourself (?:as|to be)| being| yourself) {_NOT_PRAISE}{_SOMEBODY}[^.!?\n]{{0,40}}",
    _ANY_CASE,
)
_ROLE = re.compile(
    r"\brole-?\s?play(?:ing)? (?:as |that you are |being )?(?:(?:an?|the|my) |(?-i:[A-Z]))"
    r"|\b(?:take|assume|play|adopt|fill|step into|accept|have)(?: on| up)? (?:the|your|an?) (?:[\w-]{1,20} )?"
    r"(?:roles?|part|persona|character|identity|voice|perspective|position|mindset) (?:of|as) [^.!?\n]{0,40}"
    r"|\b(?:^transform into|you have (?:just )?(?:become|been (?:transformed into|elected as)|turned into)"
    r"|you['\u2019]ve (?:just )?(?:become|turned into)|tasked with impersonating) (?:an?|the|(?-i:[A-Z]))"
    r"|\b(?:let['\u2019]s|we will|we are going to) (?:do an? )?role-?\s?play\b",
    _ANY_CASE,
)
_EMBODY = re.compile(
    rf"{_START}(?:embody|impersonate|channel|personify) (?:the |an? |your |(?-i:[A-Z]))",
    _ANY_CASE,
)
_VIEW = re.compile(
    r"\b(?:from|in|through|with) (?:the|your) (?:point of view|perspective|viewpoint|voice|eyes|character|persona)"
    r" (?:of|as) (?:an?|the|my|(?-i:[A-Z]))",
    _ANY_CASE,
)
_SHOES = re.compile(
    r"\b(?:put yourself|step|you are|imagine yourself) in(?:to)? (?:the )?(?:shoes|place|position|role) of\b",
    _ANY_CASE,
)
_WERE = re.compile(r"\bif you were (?:an?|the|my|(?-i:[A-Z]))\b[^.!?\n]{0,40}", _ANY_CASE)
_AS_ONE = re.compile(
    rf"(?:^|[.!?:]\s{{1,3}})as {_FORM}{_NOBODY}(?:(?:an?|the) |(?-i:(?=[A-Z]))) ?(?!(?:alternative|example"
    rf"|result|rule|reminder|bonus"
    rf"|follow-up|consequence|start|first|next|last|final|final step|user|customer|usual|always|I|you|we|it"
    rf"|they)\b)[^,.!?\n]{{2,60}}, {_TASK}",
    _ANY_CASE,
)
_BE = re.compile(
    r"(?:^|[.!?:]\s{1,3})(?:please )?be (?:my |an? (?!bit|little|good|better))[^.!?\n]{1,40}",
    _ANY_CASE,
)
_PLAY = re.compile(
    r"(?:^|[.!?:]\s{1,3})you(?:['\u2019]ll| will)? (?:play|portray|voice) (?!(?:an?|the) (?:\w+ )?(?:game|piano"
    r"|guitar|song|match|card))(?:(?:an?|the|my) |(?-i:[A-Z]))[^.!?\n]{0,40}",
    _ANY_CASE,
)
_THE_MODEL = re.compile(
    rf"\bthe (?:assistant|AI|model|chatbot) (?:is|plays|acts as|speaks as|takes the role of) {_NOBODY}(?:an?|the) "
    r"(?!(?:helpful|polite|friendly|honest|useful|good|best|able|same)\b)[^.!?\n]{0,40}",
    _ANY_CASE,
)
_FIND_YOURSELF = re.compile(r"\byou find yourself as (?:an?|the)\b", _ANY_CASE)

_RULES: Rules = (
    ("you are", _ARE),
    ("you're", _ARE),
    ("imagine", _IMAGINE),
    ("pretend", _IMAGINE),
    ("suppose", _IMAGINE),
    ("assume ", _IMAGINE),
    ("assume", _ROLE),
    ("envision", _IMAGINE),
    ("visuali", _IMAGINE),
    ("picture", _IMAGINE),
    ("role", _ROLE),
    ("persona", _ROLE),
    ("identity of", _ROLE),
    ("voice of", _ROLE),
    (" like ", _AS),
    (" as ", _AS),
    ("as ", _AS_ONE),
    ("embody", _EMBODY),
    ("personate", _EMBODY),
    ("personify", _EMBODY),
    ("channel", _EMBODY),
    ("point of view", _VIEW),
    ("perspective", _VIEW),
    ("voice of", _VIEW),
    ("eyes of", _VIEW),
    ("shoes of", _SHOES),
    ("place of", _SHOES),
    ("position of", _SHOES),
    ("character of", _ROLE),
    ("transform", _ROLE),
    ("impersonating", _ROLE),
    ("become", _ROLE),
    ("elected as", _ROLE),
    ("if you were", _WERE),
    ("be a", _BE),
    ("be my", _BE),
    ("you play", _PLAY),
    ("you will play", _PLAY),
    ("you portray", _PLAY),
    ("the assistant ", _THE_MODEL),
    ("the ai ", _THE_MODEL),
    ("the model ", _THE_MODEL),
    ("the chatbot ", _THE_MODEL),
    ("find yourself as", _FIND_YOURSELF),
)
_STAY = re.compile(
    r"\b(?:stay|remain|keep|answer|respond|reply|speak|continue|act)(?: \w{1,15})? in (?:your |the |this )?"
    r"(?:character|role)\b"
    r"|\b(?:never|do not|don['\u2019]t|without|must not) (?:break|breaking|leave|leaving|drop|dropping|step out of)"
    r"(?: out of)? (?:the |this |your |that )?(?:character|role|persona)\b"
    r"|\bonly (?:answer|respond|reply|speak) as (?:an?|the|(?-i:[A-Z]))"
    r"|\bmaintain (?:the|this|your) (?:character|role|persona)|\bin character(?=[.!,;\n]|\Z)",
    _ANY_CASE,
)
_STAYING: Rules = (("character", _STAY), ("role", _STAY), ("only ", _STAY), ("persona", _STAY))


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether a persona is assigned, and whether the model is held to it.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return [one.label for one in find(Seen(Row("1", (Turn("user", text),))))]
    >>> found("You are a lighthouse keeper. Stay in character!"), found("You are a helpful assistant.")
    (['persona', 'stay_in_character'], [])
    """
    persona = stay = ""
    for text in (seen.order, _instruction(seen.request)):
        if text:
            low = lowered(text)
            persona = persona or _persona(low, text)
            stay = stay or first(_STAYING, low, text)
    if not persona:
        return ()
    found = Found("persona", persona.strip(' .!?:;"\n'))
    return (found, Found("stay_in_character", stay)) if stay else (found,)


def _instruction(request: str) -> str:
    """The request without what is attached to it: its opening, up to a blank line."""
    head, _, tail = request[:_OPENING].strip().partition("\n\n")
    return head if len(head) > _HEADING or head.endswith((".", "!", "?")) else f"{head}\n{tail}"


def _persona(low: str, text: str) -> str:
    for sign, pattern in _RULES:
        if sign in low:
            match = pattern.search(text[:_OPENING])
            if match:
                return match.group()
    return ""


DETECTOR = Detector(
    version="1",
    about="Does the request or the system turn tell the model to be somebody, and to stay so?",
    labels=("persona", "stay_in_character"),
    find=find,
    limits='Knows English wordings. Takes riddles that open with "You are a farmer" for personas; looks at the '
    "opening of the last request and at the system turn only.",
)
