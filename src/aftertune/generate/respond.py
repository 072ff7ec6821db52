"""Write one response per item and replicate under one condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune import seeds
from aftertune.backends.chat import Chat
from aftertune.backends.decode import Request, Sampling, write
from aftertune.backends.hf import Loaded
from aftertune.canon import digest
from aftertune.generate.formats.base import PromptFormat
from aftertune.records import Item, Response, Status


@dataclass(frozen=True, slots=True)
class Condition:
    """What stays the same for every item: the format, its system text, sampling, replicates, random root.

    `stream` names the random stream; two runs of the same condition under different names are
    independent draws (the A/A check).
    """

    form: PromptFormat
    system: str
    sampling: Sampling
    replicates: int
    root: int
    stream: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the prompts looked like: the facts that must agree between arms."""

    prompts_sha256: str
    template_sha256: str
    most_bos: int
    prefill: str


def respond(
    loaded: Loaded, items: Sequence[Item], condition: Condition, tick: Callable[[int], None]
) -> tuple[list[Response], Rendered]:
    """Write the responses, items in order and replicates within items.

    A prompt that leaves no room for an answer in the model's context becomes a failed response.
    """
    prompts = [_tokens(item, condition, loaded.chat) for item in items]
    room = loaded.context - condition.sampling.max_new_tokens
    jobs = [
        (item, tokens, replicate)
        for item, tokens in zip(items, prompts, strict=True)
        for replicate in range(condition.replicates)
    ]
    fits = [0 < len(tokens) <= room for _, tokens, _ in jobs]
    requests = [
        Request(tokens, _seed(condition, item, replicate))
        for (item, tokens, replicate), fit in zip(jobs, fits, strict=True)
        if fit
    ]
    written = iter(write(loaded, requests, condition.sampling, tick))
    responses = [
        _response(loaded.chat, condition, job, next(written) if fit else None)
        for job, fit in zip(jobs, fits, strict=True)
    ]
    return responses, _rendered(prompts, condition, loaded.chat)


def _tokens(item: Item, condition: Condition, chat: Chat) -> tuple[int, ...]:
    form = condition.form
    if form.text is not None:
        # Around the template: the tokenizer adds its own special tokens, as in pre-training.
        return tuple(chat.tokenizer(form.text(item.prompt) + form.prefill)["input_ids"])
    assert form.turns is not None, "a format has either `text` or `turns`"
    return tuple(chat.tokens(chat.prompt(form.turns(item.prompt, condition.system)) + form.prefill))


def _seed(condition: Condition, item: Item, replicate: int) -> int:
    return seeds.derive(condition.root, "decode", condition.stream, item.id, replicate)


def _response(chat: Chat, condition: Condition, job: tuple[Item, tuple[int, ...], int], written: Any) -> Response:
    item, tokens, replicate = job
    if written is None:
        return Response(item.id, replicate, "", Status.FAILED, len(tokens), 0)
    text = chat.tokenizer.decode(list(written.tokens), skip_special_tokens=True)
    status = Status.OK if written.complete else Status.TRUNCATED
    return Response(item.id, replicate, condition.form.prefill + text, status, len(tokens), len(written.tokens))


def _rendered(prompts: Sequence[tuple[int, ...]], condition: Condition, chat: Chat) -> Rendered:
    bos = chat.tokenizer.bos_token_id
    most = max((tokens.count(bos) for tokens in prompts), default=0) if bos is not None else 0
    if bos is not None and bos == chat.tokenizer.eos_token_id:
        # Templates that end turns with the same token repeat it by design; count the leading run only.
        most = max((_leading(tokens, bos) for tokens in prompts), default=0)
    return Rendered(digest([list(tokens) for tokens in prompts]), chat.template_digest, most, condition.form.prefill)


def _leading(tokens: Sequence[int], token: int) -> int:
    return next((place for place, found in enumerate(tokens) if found != token), len(tokens))
