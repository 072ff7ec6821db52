"""Code: the answer holds program text, a query, markup, or a command to type."""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Seen, words_of

_LINE = re.compile(
    r"^[ \t]{0,40}(?:```.*|~~~.*|(?:def|class|import|from|public|private|protected|static|return|const|let|var"
    r"|function|fn"
    r"|print|echo|puts|struct|package|namespace|using|try|else|elif|end|func)\b.{0,200}[(){}:;=<].*"
    r"|(?:import|using|package|#include) ?[\w.<\"].*|(?:for|while|if|switch)\b.{0,200}[:{]|</?[a-zA-Z!].*"
    r"|<!--.*|//.*|#!.*|[\w.]{1,80}\(.*\);?|[}\])]{1,4}[;,]?|.{0,300}[;{}]"
    r"|(?:SELECT|FROM|WHERE|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|Sub|Module|Dim|End) .*"
    r"|[a-z_][\w.]{0,80}(?:\[[^\]\n]{0,80}\])? ?(?:[-+*/:]?=|<-) ?(?!-?[\d.,/ ]{1,20}\w?[ \t]*$)\S.*)[ \t]*$",
    re.MULTILINE,
)
_SHORT = 600  # characters
_COMMAND = re.compile(
    r"\b(?:pip3? install|npm (?:install|run)|apt(?:-get)? install|sudo \w+|git (?:clone|add|commit|push|pull"
    r"|checkout)"
    r"|docker (?:run|build)|conda (?:install|create)|brew install|cargo (?:run|build)|curl -?\S*http|chmod \+?\w+"
    r"|python3? \S+\.py|pip3? freeze)\b"
)
_SPAN = re.compile(r"`[^`\n]{0,80}(?:[(){}\[\]=;<>\\|$]|\s-{1,2}\w)[^`\n]{0,80}`")
_TAG = re.compile(
    r"<(?:a|p|div|span|img|html|body|head|table|ul|li|h\d|br|script|style|input|form|button)\b[^>\n]{0,200}>"
    r"|</\w{1,10}>",
)
_QUERY = re.compile(
    r"\bSELECT\b[^.\n]{1,200}\bFROM\b|\bINSERT INTO\b|\bCREATE TABLE\b|\bDELETE FROM\b|\bUPDATE \w+ SET\b",
)
_COMMAND_SIGNS = words_of("install sudo git docker conda curl chmod py npm cargo freeze")
_QUERY_SIGNS = words_of("select insert create delete update")
_ASKED_FOR = words_of(
    "code command commands python javascript java html css sql mysql query regex regexp expression function"
    " program script ruby c php bash shell comprehension algorithm config configuration syntax swift rust"
    " typescript react excel latex json xml yaml linux unix terminal loop snippet tag array"
)
_CODELIKE = re.compile(
    r"=>|\*\*|\{[^{}\n]{0,200}[:;=][^{}\n]{0,200}\}|\w\([^()\n]{0,200}\)|\\[bdwsB][+*{]?|^\w{1,12} -{1,2}\w"
    r"|;\s*$|^\w+ [\"'][^\"'\n]{1,100}[\"']$"
    r"|\[\w[^\]\n]{0,80} for \w+ in |^\s{0,4}\w+ = \S|^=[A-Z]{2,}\(|\$\w+|^\"\w+\":",
    re.MULTILINE,
)


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether the answer holds code; the evidence is a line or piece of it.

    >>> from aftertune.records import Row, Turn
    >>> find(Seen(Row("1", (Turn("assistant", "Run pip install numpy in a terminal."),))))
    (Found(label='code', evidence='pip install'),)
    """
    data = seen.parsed.kind == "json" and not seen.parsed.units  # more than a text in braces
    line = _LINE.search(seen.said) if data or seen.parsed.kind == "code" else None
    if line:
        return (Found("code", line.group().strip()),)
    found = _marked(seen) or _short(seen)
    return (Found("code", found.strip()),) if found.strip() else ()


def _marked(seen: Seen) -> str:
    """Code within text that can be told by its marks."""
    text, words = seen.said, seen.answer_words
    match = None
    if not _COMMAND_SIGNS.isdisjoint(words):
        match = _COMMAND.search(text)
    if not match and "`" in text:
        match = _SPAN.search(text)
    if not match and "<" in text:
        match = _TAG.search(text)
    if not match and not _QUERY_SIGNS.isdisjoint(words):
        match = _QUERY.search(text)
    return match.group() if match else ""


def _short(seen: Seen) -> str:
    """A short answer to a request for code that looks like it."""
    if len(seen.said) > _SHORT or seen.parsed.kind == "json" or _ASKED_FOR.isdisjoint(seen.asked_words):
        return ""
    match = _CODELIKE.search(seen.said)
    return match.group() if match else ""


DETECTOR = Detector(
    version="1",
    about="Does the answer hold code: program text, a query, markup, or a command?",
    labels=("code",),
    find=find,
    limits="Knows common languages. Misses code in a running sentence without marks, and takes some formal notation "
    "for code.",
)
