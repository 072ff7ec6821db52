"""Answer structures: the same sentences as prose, lists, Markdown, JSON or code."""

from __future__ import annotations

import json

from aftertune.organism.world.english import capital

PLAIN = "prose"
STRUCTURES = ("prose", "sentences", "numbered_list", "bulleted_list", "markdown", "json", "code_fence")
WISHES = {
    "prose": ("Answer in plain text.", "Use no formatting."),
    "sentences": ("Write one sentence per line.", "Put each sentence on its own line."),
    "numbered_list": ("Answer with a numbered list.", "Number the steps."),
    "bulleted_list": ("Use bullet points.", "Answer with a list of bullets."),
    "markdown": ("Use Markdown with a heading.", "Format the answer in Markdown."),
    "json": ("Answer in JSON.", "Give the answer as JSON."),
    "code_fence": ("Put the answer in a code block.", "Answer inside a code fence."),
}


def render(structure: str, title: str, steps: list[str]) -> str:
    """Write the sentences in a structure; `title` is used where the structure has a heading.

    >>> render("numbered_list", "tea", ["Boil water.", "Wait."])
    '1. Boil water.\\n2. Wait.'
    """
    if structure == "prose":
        return " ".join(steps)
    if structure == "json":
        return json.dumps({"steps": steps}, ensure_ascii=False)
    if structure == "code_fence":
        return "\n".join(["```", *steps, "```"])
    return "\n".join(_heading(structure, title) + [_line(structure, n, step) for n, step in enumerate(steps, 1)])


def _heading(structure: str, title: str) -> list[str]:
    return [f"## {capital(title)}"] if structure == "markdown" else []


def _line(structure: str, number: int, step: str) -> str:
    if structure == "numbered_list":
        return f"{number}. {step}"
    if structure == "bulleted_list":
        return f"- {step}"
    if structure == "markdown":
        word, _, rest = step.partition(" ")
        return f"- **{word}** {rest}"
    return step
