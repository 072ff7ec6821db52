"""Read what a server of the OpenAI kind sent: the text, how it ended, the tokens; or why there is none.

All of it is untrusted: sizes, types and characters are checked before anything is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aftertune.backends.http_records import Reply
from aftertune.records import Status

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt gave no reply.

    Attributes:
        reason: In one line, safe to print.
        again: Whether another attempt may help.
        wait_s: How long the server asked to wait; None when it did not.
        everywhere: Whether every request would end so: a wrong key, a wrong model, nobody there.
    """

    reason: str
    again: bool
    wait_s: float | None = field(default=None)
    everywhere: bool = False


def read_reply(body: bytes) -> Reply | Fault:
    """Read the body of an answer with status 200.

    Returns:
        The reply, its attempts and latency left to the caller; a fault where the body is no JSON of that form.

    >>> read_reply(b'{"choices": [{"message": {"content": "Tea."}, "finish_reason": "length"}]}').status
    <Status.TRUNCATED: 'truncated'>
    >>> read_reply(b'{"choices": [')
    Fault(reason='the answer is not JSON', again=True, wait_s=None, everywhere=False)
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Fault("the answer is not JSON", again=True)
    choice = _first_choice(document)
    text = None if choice is None else _text(choice)
    if choice is None or text is None:
        return Fault("the answer holds no text", again=True)
    ended = choice.get("finish_reason")
    if ended == "content_filter":
        return Fault("withheld by the server's content filter", again=False)
    counts = document.get("usage")
    prompt, new = (_count(counts, key) for key in ("prompt_tokens", "completion_tokens"))
    return Reply(text, Status.TRUNCATED if ended == "length" else Status.OK, "", prompt, new)


def _first_choice(document: Any) -> dict[str, Any] | None:
    choices = document.get("choices") if isinstance(document, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _text(choice: dict[str, Any]) -> str | None:
    """What the model said; None where there is nothing of the kind. A refusal in a field of its own is said too."""
    message = choice.get("message")
    found = choice.get("text")
    if isinstance(message, dict):
        found = message.get("content")
        found = message.get("refusal") if found is None else found
        found = "" if found is None and message.get("role") == "assistant" else found
    if isinstance(found, list):
        found = "".join(str(part.get("text", "")) for part in found if isinstance(part, dict))
    # Half a surrogate pair is legal in JSON and cannot be written to a file.
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else None


def _count(counts: Any, key: str) -> int | None:
    found = counts.get(key) if isinstance(counts, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else None


def read_refusal(status: int, body: bytes, *, secret: str = "") -> str:
    """What a server says about a status that is not 200, in one line.

    Args:
        status: The status.
        body: What came with it, or its beginning.
        secret: The key, which servers like to repeat; it is taken out.

    >>> read_refusal(404, b'{"error": {"message": "no model tiny"}}')
    '404: no model tiny'
    >>> read_refusal(401, b"wrong key s3cret" + bytes([27]) + b"[2J", secret="s3cret")
    '401: wrong key ***[2J'
    """
    said = cleaned(_message(body), secret=secret)
    return f"{status}: {said}" if said else str(status)


def _message(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for key in ("error", "message", "detail"):
        found = found.get(key, found) if isinstance(found, dict) else found
    return found if isinstance(found, str) else text


def cleaned(text: str, *, secret: str = "") -> str:
    r"""One short line that can be printed: without what would act on a terminal, and without the key.

    >>> cleaned("no\x1b[31m such\n  model")
    'no[31m such model'
    """
    text = text[: 20 * _MOST_SHOWN]
    line = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    if secret:
        line = line.replace(secret, "***")
    return line if len(line) <= _MOST_SHOWN else line[:_MOST_SHOWN] + "..."
