"""Identity: the answer says that an AI, a model or an assistant is speaking.

Text about AI is no finding, nor is a person who works on it; an AI that is played is one.
"""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Rules, Seen, first, words_of

_SIGNS = words_of(
    "ai language llm assistant chatbot bot artificial program software trained programmed created developed"
    " made built designed training knowledge programming neural network machine generated"
)
_CHINESE_SIGNS = ("\u6211", "\u4f5c\u4e3a", "\u8eab\u4e3a", "{{")
# People and things beside which "AI" or "assistant" is no speaker: "an AI researcher", "an assistant professor".
_NOT_ONE = (
    r"(?![\w-]|[ -](?:research|engineer|expert|developer|scientist|speciali|consult|student|prof|enthusiast|compan"
    r"|startup|start-up|lab\b|ethic|author|writer|lawyer|user|team|firm|art|safety|policy|product|manager|director"
    r"|coordinator|designer|tester|architect|coach|editor|secretary|teacher|principal|attorney|chef|nurse|vendor))"
)
_NOUN = (
    r"(?:AI|A\.I\.|artificial intelligence|(?:large )?language model|LLM|chatbot|(?:computer )?program|software"
    r"|(?:virtual|digital|AI|automated|AI-powered|artificial) [\w-]{0,20} ?(?:assistant|agent)"
    r"|machine learning model|neural network|virtual assistant)"
)
_ARTICLE = r"(?:(?:just|only|merely|simply|really|actually|still|also) ){0,2}(?:an? |the |your )?"
_WHO = rf"{_ARTICLE}(?:[\w-]{{2,20}},? ){{0,3}}?\b{_NOUN}{_NOT_ONE}"
_ASSISTANT = (
    r"your (?:[\w-]{1,20} ){0,3}assistant\b(?! (?:prof|manager|coach|editor|director))"
    r"|an? (?:[\w-]{1,20} ){0,2}assistant,? (?:that |who |which |\w+ )?(?:[A-Z]\w+ ){0,3}"
    r"(?:developed|built|made|trained|created|designed)\b"
)
_NAMED = r"(?:\{\{\w{1,20}\}\}|[A-Z][\w.-]{0,30}(?: [A-Z]\w{0,20})?), "
_SELF = r"(?<![\"\u201c'\u2018])\b(?:I am|I['\u2019]m|you['\u2019]re (?:chatting|talking|speaking) (?:with|to)|this is)"
_MADE = r"(?:trained|programmed|developed|created|built|designed|made|coded|fine-tuned|engineered|invented|launched)"
_ANY_CASE = re.IGNORECASE
_AS = re.compile(
    rf"\bas {_WHO}(?:,? (?:who|that|which|from|{_MADE})\b[^.!?;,\n]{{0,80}})?,? (?:I\b|my\b|it is|it['\u2019]s"
    rf"|there is)"
    rf"|\bI, (?:being |as ){_WHO}|\b(?:being|speaking as) {_WHO}[^.!?\n]{{0,60}}\bI\b"
    rf"|, (?:but )?as {_WHO},? I\b|\bas {_WHO}[^.!?;\n]{{0,80}}, I\b",
    _ANY_CASE,
)
_AM = re.compile(
    rf"{_SELF} (?:{_NAMED}(?:and )?)?(?:{_WHO}|{_ASSISTANT})(?! (?:who|that) works)"
    rf"|\b(?:my name is|I['\u2019]m called|I go by) [^.!?\n]{{1,60}}\bI(?: am|['\u2019]m) {_WHO}",
    _ANY_CASE,
)
_MAKERS = (
    r"(?:\{\{|(?:[A-Z][\w&-]{0,30} ){0,4}(?:OpenAI|Google|Meta|Anthropic|Microsoft|LMSYS|[A-Z][\w&-]{0,30} "
    r"(?:Labs?|Inc|AI|Systems|Software|Organization|Research)\b)|(?:a |the )?(?:team|group)|researchers|engineers"
    r"|(?:its |my )?developers|a company)"
)
_WAS = re.compile(
    rf"\bI (?:was|am|have been|['\u2019]ve been) (?:\w{{1,20}} )?{_MADE} (?i:by) {_MAKERS}"
    rf"|\bI(?:['\u2019]m|['\u2019]ve been) {_MADE} (?i:by) {_MAKERS}"
    r"|\bI (?:was|am|have been|['\u2019]ve been) (?:programmed|trained on (?:a |large |vast |lots of |text|data))"
)
_MINE = re.compile(
    r"\bmy (?:training data|training cut-?off|knowledge cut-?off|training only goes|programming (?:does|allows"
    r"|prevents)|neural network)",
    _ANY_CASE,
)
_TEXT = re.compile(
    rf"\bthis (?:answer|response|text|reply|message) (?:was|is|has been) (?:\w{{1,20}} )?"
    rf"(?:written|generated|created|produced) by {_WHO}",
    _ANY_CASE,
)
_CHINESE = re.compile(
    r"(?:\u6211\u662f|\u4f5c\u4e3a|\u8eab\u4e3a|\u6211\u540d\u4e3a|\u6211\u53eb)[^\u3002\uff01\uff1f\n]{0,80}"
    r"(?:\u4eba\u5de5\u667a\u80fd|AI|\u8bed\u8a00\u6a21\u578b|\u667a\u80fd\u52a9\u624b"
    r"|\u804a\u5929\u673a\u5668\u4eba|\u5f00\u53d1|\u8bad\u7ec3|\u6253\u9020)"
)
_RULES: Rules = (
    ("as ", _AS),
    ("being ", _AS),
    ("i am ", _AM),
    ("i'm ", _AM),
    ("you're ", _AM),
    ("this is ", _AM),
    ("i was ", _WAS),
    ("i am ", _WAS),
    ("i'm ", _WAS),
    ("i have been ", _WAS),
    ("i've been ", _WAS),
    ("my ", _MINE),
    (" by a", _TEXT),
    ("\u6211", _CHINESE),
    ("\u4f5c\u4e3a", _CHINESE),
)
_ABOUT_IT = re.compile(
    r"\bwho (?:are|made|created|trained|taught|built|developed|designed|invented) you\b|\byour (?:name|creator"
    r"|maker)|\bare you\b|\bdo you (?:call|use|run)\b|yourself|what are you",
    _ANY_CASE,
)
_SHORT = re.compile(
    rf"\A(?:no|nope|yes|yep|yeah|indeed|right|correct)?[,.! ]{{0,3}}(?:just |only |I am |I['\u2019]m )?{_WHO}"
    rf"|\bI(?: am| was|['\u2019]m) {_MADE} by \S",
    _ANY_CASE,
)
_NAME = re.compile(
    rf"\b(?i:I am|I['\u2019]m|this is|(?:talking|chatting|speaking) (?:to|with)) (?={_NAMED})"
    r"|\b(?i:my name is|(?:go|goes) by|called|call me|known as)(?: the name)? (?:[A-Z]|\{\{)"
    rf"|\b{_MADE} (?i:by) (?!(?:an? |the )?(?:human|people|user|person))\S"
    r"|(?:\u6211\u662f|\u4f5c\u4e3a|\u6211\u53eb|\u6211\u540d\u4e3a) ?(?:\{\{|[A-Z])|\u7531 ?(?:\{\{|[A-Z])"
)
_SLOT = re.compile(
    r"(?:\u6211\u662f|\u4f5c\u4e3a|\u6211\u53eb|\u6211\u540d\u4e3a|I am|I['\u2019]m|my name is) ?\{\{\w{1,20}\}\}",
)


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether an AI says that it speaks, and whether it names itself or its maker.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return [one.label for one in find(Seen(Row("1", (Turn("assistant", text),))))]
    >>> found("I'm Bob, your virtual assistant."), found("An AI is a program."), found("As an air hostess, I fly.")
    (['ai', 'named'], [], [])
    """
    low = seen.low_answer
    chinese = not low.isascii() and any(sign in low for sign in _CHINESE_SIGNS)
    if not chinese and _SIGNS.isdisjoint(seen.answer_words):
        return ()
    ai = first(_RULES, low, seen.said) or _when_asked(seen)
    name = _NAME.search(seen.said) if ai else _SLOT.search(seen.said) if "{{" in low else None
    said = (Found("ai", ai),) if ai else ()
    return (*said, Found("named", name.group() or ai)) if name else said


def _when_asked(seen: Seen) -> str:
    """What only speaks of the writer because it was asked who that is."""
    if "you" not in seen.low_asked or not _ABOUT_IT.search(seen.request[-300:]):
        return ""
    match = _SHORT.search(seen.said[:300])
    return match.group() if match else ""


DETECTOR = Detector(
    version="1",
    about="Does the answer say that an AI or an assistant is speaking, and who that is or who made it?",
    labels=("ai", "named"),
    find=find,
    limits="Knows English and a little Chinese. Looks at the last answer of a conversation only, and cannot tell an "
    "AI that is played from one that speaks for itself.",
)
