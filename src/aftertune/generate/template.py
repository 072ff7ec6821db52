"""Try a chat template without the tokenizer it belongs to: does it refuse a conversation?

Templates are Jinja programs from elsewhere, so they run in Jinja's sandbox, as transformers runs them. Only what is
certain counts as refusal: a syntax error, and the template's own `raise_exception`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from aftertune.records import Turn

_EXTENSION = "generation"  # a tag that transformers adds to Jinja; templates with it are left to transformers
_LONGEST = 200  # characters of a template's own words


class _Refused(Exception):  # noqa: N818
    """The template called `raise_exception`."""


def refusal(template: str, turns: Sequence[Turn]) -> str:
    """Why a template refuses a conversation; empty where it does not, or where that cannot be told from here.

    A system text that the template refuses goes before the user's text, as when responses are written.

    >>> refusal("{{ raise_exception('No system') if messages[0].role == 'system' }}", [Turn("user", "Hi")])
    ''
    >>> refusal("{{ raise_exception('Never') }}", [Turn("user", "Hi")])
    'Never'
    """
    why = _tried(template, turns)
    if why and len(turns) > 1 and turns[0].role == "system":
        folded = Turn("user", f"{turns[0].content}\n\n{turns[1].content}")
        why = _tried(template, [folded, *turns[2:]])
    return why


def _tried(template: str, turns: Sequence[Turn]) -> str:
    from jinja2 import TemplateError, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        environment.from_string(template).render(
            messages=messages, add_generation_prompt=True, bos_token="", eos_token="", tools=None
        )
    except _Refused as error:
        return str(error)[:_LONGEST] or "it gives no reason"
    except TemplateSyntaxError as error:
        return "" if _EXTENSION in template else f"line {error.lineno}: {error.message}"[:_LONGEST]
    except (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
        return ""  # it may want what only the tokenizer has
    return ""


def _refuse(message: object = "") -> NoReturn:
    raise _Refused(str(message))
