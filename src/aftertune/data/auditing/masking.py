"""Mask whatever may be personal in a text that is shown: more than the detector finds, for here nothing is counted."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[^\s@<>()\"']{1,64}@[^\s@<>()\"']{1,255}")
_NUMBER = re.compile(r"\+?\d(?:[ .()/-]{0,2}\d){6,24}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}")
_KEY = re.compile(r"(?=[\w-]{0,200}\d)(?=[\w-]{0,200}[A-Za-z])[\w-]{20,4000}")
_URL_USER = re.compile(r"(?<=://)[^\s/@]{1,200}@")


def masked(text: str) -> str:
    """A text without addresses, long numbers and keys.

    >>> masked("Ask jo@firm.pl or +48 601 234 567, key ghp_a1b2c3d4e5f6g7h8i9j0, in 2024.")
    'Ask ***@*** or *** 67, key ghp_***, in 2024.'
    """
    text = _URL_USER.sub("***@", text)
    text = _ADDRESS.sub("***@***", text)
    text = _IBAN.sub(lambda match: f"{match.group()[:2]}***", text)
    text = _KEY.sub(lambda match: f"{match.group()[:4]}***", text)
    return _NUMBER.sub(lambda match: f"*** {match.group()[-2:]}", text)
