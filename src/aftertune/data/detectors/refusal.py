"""Refusal and safety advice: the answer declines, or warns of harm.

It tells rows of a data set apart and judges no model: what a model wrote to a harmful request is for judges.
"""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Rules, Seen, first, words_of

_OPENING = 400  # characters; who declines does so early
_ANY_CASE = re.IGNORECASE
_DO = (
    r"(?:help(?! (?:but|feel|notic|wonder|going|being|be |think|laugh|\w+ing))|assist|do (?:that|this|so|it)"
    r"|provide|answer|share|give (?:you|out|any|advice|that)|write|compl(?:y|ete)|fulfill?|satisfy|accept"
    r"|entertain|conduct|commit|take (?:a |any )?sides?|impersonate"
    r"|support|create|generate|engage|offer|tell|predict|access|open|book|discuss|browse|advise|disclose|reveal"
    r"|participate|fabricate|make (?!it\b|sense|up\b)|respond|perform|recommend|suggest|condone|encourage|facilitate"
    r"|look up|search|see (?:your|the|any)|hear|view|show|translate this|process|determine|know|confirm|verify"
    r"|carry out"
    r"|execute|send|place|order|call|promote|continue|go (?:along|into)|in good)\b"
)
_CANNOT = (
    r"(?:can ?not|can['\u2019]t|won['\u2019]t|will not|am unable to|['\u2019]m unable to|am not able to"
    r"|['\u2019]m not "
    r"able to|must decline to|have to decline to|refuse to|(?:would|['\u2019]d) rather not|(?:would"
    r"|['\u2019]d) prefer not "
    r"to|am not (?:allowed|permitted|programmed|designed|going) to|['\u2019]m not (?:allowed|permitted"
    r"|programmed|designed"
    r"|going) to|do not (?:have|possess) the ability to|don['\u2019]t have the ability to|could not"
    r"|couldn['\u2019]t)"
)
_WILL_NOT = re.compile(
    rf"\b(?:I|we) ?{_CANNOT} (?:(?:directly|in good conscience|really|simply|actually|therefore|just) )?{_DO}"
    r"(?![^.!?\n]{0,60}\b(?:enough|highly)\b)",
    _ANY_CASE,
)
_DECLINE = re.compile(
    r"\bI (?:must|have to|will have to|need to|respectfully) (?:respectfully |politely )?(?:decline|refuse)\b"
    r"|\bI(?:['\u2019]m| am) (?:really |very )?sorry[,.]? (?:but )?(?:I|no\b|that is not something|this is not)"
    r"(?: (?:can|could|do|am|will|would)|['\u2019]m| ?can['\u2019]t| ?won['\u2019]t)? ?(?:not|n['\u2019]t)? "
    r"(?:help|assist|do that|possible|able|have)"
    r"|\bI (?:do not|don['\u2019]t) feel (?:comfortable|right)|\bI(?:['\u2019]m| am) not comfortable"
    r"|\A(?:sorry,? )?no[,.!] (?:sorry|I (?:will|won|can|refuse|do not|don|am not (?:able|going)))"
    r"|\Asorry,? (?:but )?no\b|\Alet['\u2019]s not\b|\bI (?:(?:would|['\u2019]d) rather|prefer) not\b",
    _ANY_CASE,
)
_OUTSIDE = re.compile(
    r"\b(?:outside|beyond) (?:of )?(?:what I can|my (?:capabilit|abilit|scope|knowledge))"
    r"|\bagainst my (?:guidelines|programming|polic|principles|terms)"
    r"|\b(?:no way|not possible|impossible) for me to\b"
    r"|\bI (?:do not|don['\u2019]t) (?:currently )?have (?:(?:direct |any |real-time )?access|permission"
    r"|the ability)\b"
    r"|\b(?:this|that|it) is(?: not|n['\u2019]t) (?:something|a (?:request|topic|task|question)) (?:that )?I\b"
    r"|\b(?:not|nor) (?:with)?in my (?:programming|guidelines|abilit|capabilit|nature|power)"
    r"|\bit(?: is|['\u2019]s| would be) (?:(?:not|never|neither) (?:appropriate|ethical|right|acceptable|safe"
    r"|okay|ok|legal"
    r"|respectful)|inappropriate|unethical)(?:,? (?:or|nor|and) \w{2,20}){0,2} (?:for me )?to (?:provide|share"
    r"|help|assist"
    r"|give|make|write|discuss|disclose|speculate|promote|encourage|suggest|ask|engage|create|offer|support"
    r"|condone|cause|harm)",
    _ANY_CASE,
)
_REFUSING: Rules = (
    *((sign, _WILL_NOT) for sign in (
        "cannot", "can't", "can not", "won't", "will not", "'m not ", " am not ", "rather not", "prefer not", "do not ",
        "don't ", "couldn't", "could not", "unable", "decline", "refuse",
    )),
    ("decline", _DECLINE),
    ("refuse", _DECLINE),
    ("comfortable", _DECLINE),
    ("feel right", _DECLINE),
    ("sorry", _DECLINE),
    ("no,", _DECLINE),
    ("no.", _DECLINE),
    ("no!", _DECLINE),
    ("let's not", _DECLINE),
    ("rather not", _DECLINE),
    ("prefer not", _DECLINE),
    ("sorry no", _DECLINE),
    ("outside", _OUTSIDE),
    ("beyond", _OUTSIDE),
    ("against my", _OUTSIDE),
    ("for me to", _OUTSIDE),
    (" have ", _OUTSIDE),
    ("something i", _OUTSIDE),
    ("that i", _OUTSIDE),
    ("appropriate", _OUTSIDE),
    ("ethical", _OUTSIDE),
    ("acceptable", _OUTSIDE),
    ("in my ", _OUTSIDE),
)  # fmt: skip
# Requests for a text in which somebody else may decline.
_ASKED_FOR = re.compile(
    r"\b(?:write|compose|draft|reply|rephrase|rewrite|correct|edit|translate|continue|turn down|decline|story"
    r"|dialogue|poem|letter|e-?mail|script|roleplay)\b",
    _ANY_CASE,
)
_SIGNS = words_of(
    "cannot can't won't not unable decline refuse sorry no outside beyond inappropriate unethical don't"
    " couldn't isn't nor never neither against impossible"
)
_ADVICE_SIGNS = words_of(
    "doctor doctors physician physicians dentist pharmacist veterinarian medical healthcare health emergency"
    " ambulance poison crisis hotline helpline therapist counselor counsellor counseling psychologist"
    " psychiatrist police law authority authorities trust trusted fire expert seek dangerous illegal crime"
    " criminal unsafe deadly fatal lethal threatening hazardous hazard poisonous punishable fumes never avoid"
    " mix touch inhale swallow ingest operate exceed shock burns injury injuries death poisoning lungs"
    " avalanche avalanches harm overdose suffocation safe safety evacuate evacuation seatbelt seat vigilant"
    " dose power goggles gear"
)

_HELPER = (
    r"(?:doctor|physician|dentist|pharmacist|veterinarian|medical (?:professional|attention|advice|help|provider)"
    r"|health ?care (?:provider|professional)|(?:mental )?health professional|emergency|ambulance|911\b"
    r"|poison control"
    r"|crisis (?:line|hotline)|hotline|helpline|therapist|counsel(?:l)?or|psychologist|psychiatrist"
    r"|(?:the )?police\b"
    r"|law enforcement|(?:the |your |proper |local ){0,3}authorit(?:y|ies)|someone you trust|trusted (?:adult"
    r"|friend)|fire department|an expert has)"
)
_SEEK = re.compile(
    r"\b(?:see|consult|contact|call|visit|talk (?:to|with)|speak (?:to|with)|ask|seek|reach out to|check with|report"
    rf"|get|go to|find|look for|followed? by)(?: [\w'\u2019-]{{1,20}},?){{0,6}}? {_HELPER}"
    r"|\bseek (?:[\w-]{1,20} ){0,2}(?:help|attention|advice|care)\b"
    r"|\bauthorities\b[^.!?\n]{0,40}\b(?:instructions|advice)"
    r"|\b(?:instructions|advice|warnings?) (?:provided |given |issued )?(?:by|of|from) (?:the |local )?authorities",
    _ANY_CASE,
)
_IS_BAD = re.compile(
    r"\b(?:is|are|['\u2019]s|can be|could be|may be|might be|would be|be|being) (?:(?:a|an|also|very|extremely"
    r"|highly"
    r"|quite|both|even|considered|not only|potentially|really|incredibly) ){0,3}(?:dangerous|illegal"
    r"|against the law|crime"
    r"|criminal offen[cs]e|unsafe|deadly|fatal|lethal|life-threatening|hazardous|poisonous|serious health)\b"
    r"|\b(?:illegal|dangerous) to\b|\bpunishable\b|\bfumes can\b",
    _ANY_CASE,
)
_NEVER = re.compile(
    r"\b(?:never|do not|don['\u2019]t|avoid|must not|should not|shouldn['\u2019]t) (?:ever )?(?:mix(?:ing)?"
    r"|touch(?:ing)?"
    r"|inhal(?:e|ing)|swallow(?:ing)?|ingest(?:ing)?|drink and|drive|operate|look(?:ing)? directly|leave children"
    r"|take more than|exceed|stay off)\b|\bonly eat what\b|\bavoid high-risk\b",
    _ANY_CASE,
)
_HARM = re.compile(
    r"\b(?:may|could|can|might|will|to) (?:\w{1,15} ){0,3}(?:get|cause|suffer|lead to|result in|harm|damage"
    r"|prevent|reduce"
    r" the risk of|avoid)(?: [\w-]{1,20}){0,4} (?:electric shock|burns|injur(?:y|ies)|death|poisoning"
    r"|your health|your lungs|serious harm|overdose|suffocation)\b|\bavalanches? (?:can )?kill",
    _ANY_CASE,
)
_SAFE = re.compile(
    r"\b(?:stay|staying|keep (?:yourself|everyone|them)) safe\b|\bfor your (?:own )?safety\b|\bsafety first\b"
    r"|\bwear (?:\w+ ){0,2}(?:protective|safety) (?:gear|goggles|glasses|gloves|equipment|clothing)"
    r"|\bemergency plan\b|\bevacuat(?:e|ion)\b|\bseat ?belt|\bkeep out of reach|\bremain vigilant"
    r"|\bdose on the label|\b(?:turn|switch) off the power\b",
    _ANY_CASE,
)
_ADVISING: Rules = (
    *((sign, _SEEK) for sign in (
        "doctor", "physician", "dentist", "pharmacist", "veterinarian", "medical", "health professional", "emergency",
        "ambulance", "911", "poison control", "crisis", "hotline", "helpline", "therapist", "counsel", "psycholog",
        "psychiatr", "police", "law enforcement", "authorit", "you trust", "trusted", "fire department", "expert has",
        "seek ", "healthcare",
    )),
    *((sign, _IS_BAD) for sign in (
        "dangerous", "illegal", "against the law", "crime", "criminal", "unsafe", "deadly", "fatal", "lethal",
        "life-threatening", "hazard", "poisonous", "serious health", "risky", "punishable", "fumes",
    )),
    *((sign, _NEVER) for sign in ("never ", "do not ", "don't ", "avoid", "must not ", "should not ", "only eat")),
    *((sign, _HARM) for sign in ("shock", "burns", "injur", "death", "poisoning", "your health", "your lungs",
        "avalanche", "serious harm", "overdose", "suffocat")),
    *((sign, _SAFE) for sign in (" safe", "protective gear", "evacuat", "seat", "vigilant", "on the label", "the power",
        "emergency plan")),
)  # fmt: skip


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether the answer declines, and whether it warns or sends for help.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return [one.label for one in find(Seen(Row("1", (Turn("assistant", text),))))]
    >>> found("I can't help with that."), found("I can't recommend it enough."), found("Please see a doctor.")
    (['refusal'], [], ['safety_advice'])
    """
    advising = not _ADVICE_SIGNS.isdisjoint(seen.answer_words)
    advice = first(_ADVISING, seen.low_answer, seen.said) if advising else ""
    refused = _refused(seen)
    found = (Found("refusal", refused),) if refused else ()
    return (*found, Found("safety_advice", advice)) if advice else found


def _refused(seen: Seen) -> str:
    if _SIGNS.isdisjoint(seen.answer_words):
        return ""
    low = seen.low_answer[:_OPENING]
    refused = first(_REFUSING, low, seen.said[:_OPENING])
    if refused and _ASKED_FOR.search(seen.request[:_OPENING]) and not _speaks_as_model(low, refused):
        return ""
    return refused


def _speaks_as_model(low: str, refused: str) -> bool:
    """Whether it declines the request itself, though it was asked to write something."""
    words = refused.lower()
    return any(
        word in words
        for word in (
            "help",
            "assist",
            "comfortable",
            "decline",
            "write",
            "generate",
            "create",
            "comply",
            "fulfil",
            "conduct",
        )
    ) or ("as an ai" in low or low.startswith(("no,", "sorry, no", "i'd rather", "let's not")))


DETECTOR = Detector(
    version="1",
    about="Does the answer decline the request, or warn of harm and send for help?",
    labels=("refusal", "safety_advice"),
    find=find,
    limits="Knows English wordings, and refusals in the first 400 characters. Takes facts about danger for warnings, "
    "and misses refusals that change the subject.",
)
