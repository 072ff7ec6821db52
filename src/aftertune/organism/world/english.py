"""Small rules of English spelling: articles, capitals, sentence lists."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def with_article(noun: str) -> str:
    """Put the right indefinite article before a noun.

    >>> with_article("astronaut"), with_article("pirate")
    ('an astronaut', 'a pirate')
    """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def capital(text: str) -> str:
    """Start with a capital letter and leave the rest alone.

    >>> capital("the sky is blue")
    'The sky is blue'
    """
    return text[:1].upper() + text[1:]


def sentences(text: str) -> list[str]:
    """Split prose into its sentences.

    >>> sentences("Open the box. Look inside!")
    ['Open the box.', 'Look inside!']
    """
    return [part for part in _SENTENCE_END.split(text.strip()) if part]
