"""The prompt as plain text, without any chat template: what a base model would see."""

from aftertune.generate.formats.base import PromptFormat


def _text(prompt: str) -> str:
    return prompt


FORMAT = PromptFormat(version="1", about="The prompt alone, no chat template.", text=_text)
