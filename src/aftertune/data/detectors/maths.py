"""Maths: the row is a mathematical task, or its answer works one out."""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Rules, Seen, first, words_of

_ANY_CASE = re.IGNORECASE
_LONG = 500  # characters of a paragraph that is more than a question
_LOOKED_AT = 4000  # characters of each text; a calculation shows early
_SUM = re.compile(
    r"\d[\d,.]{0,20}%?\s?\)? ?(?:[-+*/\u00d7\u00f7\u00b7^\u2212]"
    r"|x) ?\(?\$?\d[\d,.]{0,20}%? ?\)?[^=\n]{0,60}= {0,3}-?[$\u20ac\u00a3]?(?:<<)?\d"
)
_FORMULA = re.compile(
    r"\$[^$\n]{1,80}(?:[\^+=*]|\\frac|\\cdot|\\sqrt)[^$\n]{0,80}\$|\\frac\{|\\int\b|\\sum\b|\\boxed",
)
_ALGEBRA = re.compile(
    r"(?<![\w.])-?\d{0,5}\(?[a-z](?:\^\d)?\s?[-+*/^=]\s?-?\(?\d{1,9}[a-z]?\b"
    r"|\b\d{1,4}[a-z]\s?[-+=]\s?\d{0,4}[a-z]?\b",
)
_SIGNED: Rules = (
    ("\n####", re.compile(r"^#### -?[$\d]", re.MULTILINE)),
    ("=", _SUM),
    ("\\", _FORMULA),
    ("$", _FORMULA),
)
_TASK = re.compile(
    r"\b(?:differentiate|integrate|factori[sz]e|derivative of|integral of|antiderivative|greatest common"
    r"|least common"
    r"|lowest common|probability (?:of|that)|standard deviation|square root|quadratic|hypotenuse|pythagor|factorial"
    r"|logarithm|prime factor|solve for|simplify the (?:fraction|expression|equation)|perimeter of|circumference"
    r"|surface area|find the (?:area|volume|slope|mean|median|value of|sum|product|remainder|roots?)"
    r"|prove that|divisible by)\b",
    _ANY_CASE,
)
_ASK = re.compile(
    r"\b(?:calculat|comput|evaluat|solv|simplif|sum of|product of|add |subtract|multipl|divid|convert"
    r"|how (?:many|much)|what(?:'s| is)"
    r"|percent|%|average|find|result|round|solution|number of|my sum|work out|figure out|per cent)",
    _ANY_CASE,
)
_OPERATION = re.compile(
    r"\d\s?(?:[+*\u00d7\u00f7^]|\bx\b)\s?\d|\d\s[-/\u2212]\s\d|\d{2,}-\d{2,}(?!-)|\d\s?(?:plus|minus|times"
    r"|divided by|multiplied by)"
    r"\s?\d|\d\s?(?:%|percent|per cent) of \$?\d|\bof (?:the )?\d+(?:,\s?| and )\d+",
    _ANY_CASE,
)
_DATE = re.compile(
    r"\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b(?:1[89]|20)\d\d-(?:(?:1[89]|20)\d\d|\d\d)\b|\b24/7\b|\b\d{3}-\d{3,4}",
)
_CONVERT = re.compile(r"\bconvert (?:[\w ]{0,20})?\d[\d,.]* ?\S{1,20} (?:to|into) \S", _ANY_CASE)
_WORD_PROBLEM = re.compile(
    r"\bhow (?:many|much|far|long|old|fast|tall|heavy|big)\b|\bwhat(?:'s| is| was) the (?:total|average|sum"
    r"|difference"
    r"|percentage|percent|cost|price|area|ratio)|\bwhat (?:percentage|percent|fraction)|\bin total\b",
    _ANY_CASE,
)
_LAST = re.compile(r"[^.?!]{5,300}\?\s*\Z")
_NUMBER = re.compile(
    r"\d[\d,./]*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty"
    r"|fifty|sixty"
    r"|seventy|eighty|ninety|hundred|thousand|million|half|twice|double|triple|dozen|quarter|third|noon)\b",
    _ANY_CASE,
)
# Not `p = 0.03` or `n = 12`, which report a study.
_LETTER_EQUATION = re.compile(r"\b\d{1,3}[a-z] ?[-+=] ?\d{1,3}[a-z]?\b|\b[a-moqs-z] ?= ?-?\d")
_DIGIT = re.compile(r"[0-9]")
_TASK_SIGNS = words_of(
    "differentiate integrate factorize factorise derivative integral antiderivative common probability"
    " deviation root quadratic hypotenuse pythagoras pythagorean factorial logarithm prime solve simplify"
    " perimeter circumference surface find prove divisible"
)
_QUANTITY_SIGNS = words_of("how total average sum difference percentage percent cost price area ratio fraction")
_NUMBER_SIGNS = _TASK_SIGNS | words_of(
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty"
    " seventy eighty ninety hundred thousand million half twice double triple dozen quarter third noon"
)


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether the row sets or works a mathematical task.

    >>> from aftertune.records import Row, Turn
    >>> def found(ask, said): return len(find(Seen(Row("1", (Turn("user", ask), Turn("assistant", said))))))
    >>> found("What is 15% of 240?", "36"), found("Who won?", "We won 3-1 in 2020.")
    (1, 0)
    """
    worked = first(_SIGNED, seen.low_answer[:_LOOKED_AT], seen.said[:_LOOKED_AT])
    found = "" if _in_code(seen) else worked or _set_task(seen)
    return (Found("maths", found.strip()),) if found.strip() else ()


def _in_code(seen: Seen) -> bool:
    return "```" in seen.said or "();" in seen.said or "def " in seen.said


def _set_task(seen: Seen) -> str:
    """The task in the prompt; empty when there is none."""
    asked = _own_words(seen.request)[-_LOOKED_AT:]
    digits = _DIGIT.search(asked) is not None
    if not digits and _NUMBER_SIGNS.isdisjoint(seen.asked_words):
        return ""
    if digits and _ASK.search(asked):
        match = (
            _OPERATION.search(_DATE.sub(" ", asked)) or _CONVERT.search(asked) or _LETTER_EQUATION.search(asked.lower())
        )
        if match:
            return match.group()
    task = None if _TASK_SIGNS.isdisjoint(seen.asked_words) else _TASK.search(asked)
    if task and (digits or _NUMBER.search(seen.said) or _ALGEBRA.search(seen.said)):
        return task.group()
    return "" if _QUANTITY_SIGNS.isdisjoint(seen.asked_words) else _word_problem(asked, seen.said, digits)


def _own_words(request: str) -> str:
    """The request without long paragraphs beside short ones: those are what it is about, and may be full of numbers."""
    if "\n\n" not in request or len(request) <= _LONG:
        return request
    short = [part for part in request.split("\n\n") if len(part) <= _LONG]
    return "\n\n".join(short) if any(part.strip() for part in short) else request


def _word_problem(asked: str, said: str, digits: bool) -> str:
    match = _WORD_PROBLEM.search(asked)
    if not match or not digits and len(asked) < 40:
        return ""
    if "=" not in said and not _LAST.search(asked, match.start()):
        return ""
    numbers = _NUMBER.findall(asked)
    return match.group() if len(numbers) > 1 and len(said) < 1500 and _NUMBER.search(said[:600]) else ""


DETECTOR = Detector(
    version="1",
    about="Is the row a mathematical task: a calculation, an equation, a word problem, a proof?",
    labels=("maths",),
    find=find,
    limits="Misses proofs in words and geometry without numbers; takes questions of quantity that hold two numbers for "
    "word problems, and words of statistics in short attached texts for tasks (7 % of medical questions with their "
    "abstracts).",
)
