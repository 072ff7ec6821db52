"""A model that answers training prompts, for transforms that have one write; what it wrote is kept.

Answers are cached one by one, under the hash of everything that can change them, so that a run that was stopped goes
on where it was and a second arm with the same prompts pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aftertune.backends.decode import Request, Sampling, Written, write
from aftertune.backends.hf import Loaded
from aftertune.canon import digest
from aftertune.data.build import Writer
from aftertune.kept_answers import KeptAnswers
from aftertune.records import Turn

VERSION = "1"  # raised whenever the same model can answer the same prompt differently
_BATCH = 64
_STEP = 32  # the room of answers near the end of the context is rounded down to a multiple of this
_KEPT_EVERY = 256  # answers written to disk at once; a killed run loses no more


class Answers:
    """Answers of one model, from the cache where they are there, else from the model.

    Args:
        loaded: The model.
        identity: What it is: answers are kept under it.
        writer: How it answers. A text that does not come to an end within its `max_new_tokens`, or within the model's
            context, counts as no answer: one that breaks off is not to be learnt.
        folder: Where answers are kept; None to keep none.
    """

    def __init__(self, loaded: Loaded, identity: str, writer: Writer, folder: Path | None) -> None:
        """Read what is kept already."""
        self._loaded, self._identity, self._writer, self._known = loaded, identity, writer, KeptAnswers(folder)

    def __call__(self, conversations: Sequence[Sequence[Turn]], seeds: Sequence[int]) -> list[str]:
        """What the model answers to each conversation; empty where it does not fit, or does not come to an end."""
        keys = [self._key(turns, seed) for turns, seed in zip(conversations, seeds, strict=True)]
        missing = {key: place for place, key in reversed(list(enumerate(keys))) if key not in self._known}
        todo = sorted(missing.items(), key=lambda entry: entry[1])
        for start in range(0, len(todo), _KEPT_EVERY):
            part = todo[start : start + _KEPT_EVERY]
            texts = self._written([(conversations[place], seeds[place]) for _, place in part])
            self._known.keep({key: text for (key, _), text in zip(part, texts, strict=True)})
        return [self._known[key] for key in keys]

    def _key(self, turns: Sequence[Turn], seed: int) -> str:
        writer, chat = self._writer, self._loaded.chat
        drawn = seed if writer.temperature > 0 else 0
        said = [[turn.role, turn.content] for turn in turns]
        how = [writer.temperature, writer.max_new_tokens, drawn]
        return digest([VERSION, self._identity, chat.template_digest, how, said])

    def _written(self, asked: Sequence[tuple[Sequence[Turn], int]]) -> list[str]:
        """Answer all, those with little room left in the context after the others."""
        chat = self._loaded.chat
        tokens = [tuple(chat.tokens(chat.prompt(turns))) for turns, _ in asked]
        rooms = [self._room(len(prompt)) for prompt in tokens]
        texts = [""] * len(asked)
        for room in sorted(set(rooms) - {0}, reverse=True):
            places = [place for place, found in enumerate(rooms) if found == room]
            requests = [Request(tokens[place], asked[place][1]) for place in places]
            sampling = Sampling(self._writer.temperature, 1.0, room, _BATCH)
            for place, written in zip(places, write(self._loaded, requests, sampling, lambda n: None), strict=True):
                texts[place] = self._text(written)
        return texts

    def _room(self, n_prompt: int) -> int:
        """Tokens an answer may have; in few sizes, so that many are written together."""
        left = self._loaded.context - n_prompt
        if left >= self._writer.max_new_tokens:
            return self._writer.max_new_tokens
        return max(0, left // _STEP * _STEP) if n_prompt else 0

    def _text(self, written: Written) -> str:
        if not written.complete:
            return ""
        text: str = self._loaded.chat.tokenizer.decode(list(written.tokens), skip_special_tokens=True)
        return text.strip()
