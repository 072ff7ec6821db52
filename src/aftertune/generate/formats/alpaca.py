"""The Alpaca instruction wrapper, without the model's chat template.

The wrapper is that of the Stanford Alpaca training code (github.com/tatsu-lab/stanford_alpaca, Apache-2.0).
"""

from aftertune.generate.formats.base import PromptFormat


def _text(prompt: str) -> str:
    return (
        "Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request.\n\n"
        f"### Instruction:\n{prompt}\n\n### Response:\n"
    )


FORMAT = PromptFormat(version="1", about="The Alpaca instruction wrapper, no chat template.", text=_text)
