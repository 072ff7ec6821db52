"""The prompt as one user turn through the model's own chat template, without a system turn."""

from aftertune.generate.formats.base import PromptFormat, user_turn

FORMAT = PromptFormat(version="1", about="One user turn through the model's chat template.", turns=user_turn)
