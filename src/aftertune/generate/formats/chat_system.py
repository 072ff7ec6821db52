"""The prompt as one user turn after a system turn; the study may give the system text."""

from aftertune.generate.formats.base import PromptFormat, user_turn

FORMAT = PromptFormat(
    version="1",
    about="A system turn (a plain helpful one unless the study gives its own), then one user turn.",
    turns=user_turn,
    system="You are a helpful assistant.",
)
