"""Structure: how the answer is laid out, as the answer-structure transform sees it."""

from __future__ import annotations

from typing import get_args

from aftertune.data.detectors.base import Detector, Found, Seen
from aftertune.data.text.structure import Kind


def find(seen: Seen) -> tuple[Found, ...]:
    """The one structure an answer has; nothing for an empty answer.

    >>> from aftertune.records import Row, Turn
    >>> find(Seen(Row("1", (Turn("assistant", "- Oak\\n- Ash"),))))
    (Found(label='bullets', evidence=''),)
    """
    return (Found(seen.parsed.kind),) if seen.said.strip() else ()


DETECTOR = Detector(
    version="1",
    about="How is the answer laid out: as prose, a list, Markdown, code ...?",
    labels=get_args(Kind),
    find=find,
    limits="Takes paragraphs without blank lines between them for separate sentences; names one structure per answer.",
    background=("prose",),
)
