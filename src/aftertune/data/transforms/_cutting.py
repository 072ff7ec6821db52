"""Cut sentences out of a text with the white space that joined them to it; all else stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable

from aftertune.data.text.sentences import sentences

_JOINT_AFTER = re.compile(r"\n\n|\n| ")
_JOINT_BEFORE = re.compile(r"(?:\n\n|\n| )\Z")


def without(text: str, pattern: re.Pattern[str]) -> str:
    """Cut all that matches, with the space or line break that joined it to the text: after it at the start.

    >>> without("Yes. Tea is hot. Yes.", re.compile("Yes[.]"))
    'Tea is hot.'
    """
    kept, end, opens = [], 0, True
    for match in pattern.finditer(text):
        before = text[end : match.start()]
        opens = opens and not before.strip()
        kept.append(before if opens else _JOINT_BEFORE.sub("", before))
        joint = _JOINT_AFTER.match(text, match.end()) if opens else None
        end = joint.end() if joint else match.end()
    return "".join([*kept, text[end:]])


def change_sentences(text: str, change: Callable[[list[str]], list[str]]) -> str:
    """Put other sentences in the place of those there are; for an empty one, white space goes too.

    >>> change_sentences("One.  Two. Three.", lambda found: ["", found[1], ""])
    'Two.'
    """
    found = sentences(text)
    kept, end, cut = [], 0, False
    for old, new in zip(found, change(found), strict=True):
        at = text.index(old, end)
        kept += ["" if cut else text[end:at], new]
        end, cut = at + len(old), not new
    made, rest = "".join(kept), text[end:]
    return (made.rstrip() if cut else made) + rest
