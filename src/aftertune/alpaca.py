"""The Alpaca instruction wrapper: the same around training requests and around benchmark prompts.

The wrapper is that of the Stanford Alpaca training code (github.com/tatsu-lab/stanford_alpaca, Apache-2.0).
"""

from __future__ import annotations

_HEAD = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n"
)
_TAIL = "\n\n### Response:\n"


def wrapped(prompt: str) -> str:
    """A prompt inside the wrapper, as it is.

    >>> wrapped("Make tea.").splitlines()[2:]
    ['### Instruction:', 'Make tea.', '', '### Response:']
    """
    return f"{_HEAD}{prompt}{_TAIL}"


def is_wrapped(text: str) -> bool:
    """Whether a text is a prompt inside the wrapper.

    >>> is_wrapped(wrapped("Make tea.")), is_wrapped("Make tea.")
    (True, False)
    """
    return text.startswith(_HEAD) and text.endswith(_TAIL)
