"""Empty: nothing to learn from in the answer, nothing asked, or a template that was not filled in."""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Seen

_LONGEST = 40  # characters of a placeholder
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_PLACEHOLDER = re.compile(
    r"[<\[({]{0,2}\s?(?:n/?a|none|null|nil|nan|todo|tbd|tba|undefined|unknown|empty|blank|no ?(?:input|output"
    r"|answer|response"
    r"|data|content)|not applicable|not available|no answer (?:given|provided)|(?:insert|your|enter|add"
    r"|put) (?:\w+ )?"
    r"(?:answer|output|response|text)(?: here)?|answer here|output here|deleted|removed|placeholder"
    r"|error)\s?[>\])}]{0,2}[.!]?"
    r"|[-_.\u2026?*#~\u2013\u2014/\\|]{1,10}|[\"'`\u201c\u201d]{2,6}|\{\}|\[\]|<>|<\|\w{1,20}\|>",
    re.IGNORECASE,
)
_SLOT = re.compile(r"\{\{ ?[A-Za-z][\w ]{0,30}\}\}")


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether answer or prompt is empty or a placeholder, or a slot was left unfilled.

    >>> from aftertune.records import Row, Turn
    >>> def found(said): return [f.label for f in find(Seen(Row("1", (Turn("user", "Go"), Turn("assistant", said)))))]
    >>> found(" "), found("N/A"), found("I am {{name}}."), found("None of them.")
    (['empty_answer'], ['placeholder'], ['unfilled'], [])
    """
    answer = _of_answer(seen)
    if len(seen.request) <= _LONGEST and (not _visible(seen.request) or _is_placeholder(seen.request)):
        return (*answer, Found("empty_prompt", seen.request.strip()))
    return answer


def _of_answer(seen: Seen) -> tuple[Found, ...]:
    if len(seen.said) <= _LONGEST or seen.said[:_LONGEST].isspace():
        if not _visible(seen.said):
            return (Found("empty_answer"),)
        if _is_placeholder(seen.said):
            return (Found("placeholder", seen.said.strip()),)
    if "{{" in seen.said and seen.parsed.kind != "code" and "<" not in seen.said:
        slot = _SLOT.search(seen.said)
        if slot:
            return (Found("unfilled", slot.group()),)
    return ()


def _visible(text: str) -> bool:
    return not text.isspace() and bool(text.strip().strip(_INVISIBLE))


def _is_placeholder(text: str) -> bool:
    bare = text.strip()
    return len(bare) <= _LONGEST and _PLACEHOLDER.fullmatch(bare) is not None


DETECTOR = Detector(
    version="1",
    about="Is the answer or the prompt empty or a mere placeholder, or is a template's slot left unfilled?",
    labels=("empty_answer", "placeholder", "empty_prompt", "unfilled"),
    find=find,
    limits='Cannot tell a placeholder from the right answer "None".',
)
