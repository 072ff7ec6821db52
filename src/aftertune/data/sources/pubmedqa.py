"""PubMedQA: a question, the paragraphs of an abstract, and a long answer; a file is one object keyed by PMID.

The short answer (`final_decision`: yes, no, maybe) is kept and not used.
"""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import (
    Fields,
    Layout,
    cell,
    one_exchange,
    only_exchange,
    with_context,
    with_text,
)
from aftertune.errors import DataError
from aftertune.files import text_of
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return {"QUESTION", "CONTEXTS", "LONG_ANSWER"} <= set(fields)


def _read(fields: Fields) -> tuple[Turn, ...]:
    context = "\n\n".join(_paragraphs(fields))
    return one_exchange(cell(fields, "QUESTION"), cell(fields, "LONG_ANSWER"), context=context)


def _paragraphs(fields: Fields) -> list[str]:
    value = fields.get("CONTEXTS")
    if value is None:
        return []
    if not isinstance(value, list):
        raise DataError("column 'CONTEXTS': want a list of texts", "correct or remove that row")
    try:
        return [text_of(part) for part in value]
    except DataError as error:
        raise DataError(f"column 'CONTEXTS': {error.message}", "correct or remove that row") from error


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "pubmedqa")
    made = dict(fields) if fields is not None else {"QUESTION": "", "CONTEXTS": [], "LONG_ANSWER": ""}
    if _read(made) == row.turns:
        return made
    before = "\n\n".join(_paragraphs(made))
    asked, context = with_context(prompt, cell(made, "QUESTION"), before)
    with_text(made, "QUESTION", asked)
    with_text(made, "LONG_ANSWER", answer)
    if context != before and before.strip():
        made["CONTEXTS"] = _as_paragraphs(context, _paragraphs(made)) if context else []
    return made


def _as_paragraphs(context: str, before: list[str]) -> list[str]:
    """A changed context as a list, with the paragraphs it had before where it still begins with them."""
    made = []
    for paragraph in before[:-1]:
        if not context.startswith(f"{paragraph}\n\n"):
            break
        made.append(paragraph)
        context = context[len(paragraph) + 2 :]
    return [*made, context]


LAYOUT = Layout(
    version="1",
    about="A biomedical question with the paragraphs of an abstract, and its long answer (PubMedQA).",
    columns=("QUESTION", "CONTEXTS", "LONG_ANSWER"),
    matches=_matches,
    read=_read,
    write=_write,
)
