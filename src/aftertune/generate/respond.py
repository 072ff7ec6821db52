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
from aftertune.generate.prompts import Prompt, beginning, write_prompt
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
    """What the prompts looked like: the facts that must agree between arms.

    Attributes:
        prompts_sha256: Hash of all prompts' tokens.
        template_sha256: Hash of the model's chat template, whether the format goes through it or not.
        most_bos: The most beginning-of-text tokens in a prompt.
        prefill: What responses are made to begin with.
        system_sha256: Hash of the system turns' texts, which is one text unless a format gives items their own; empty
            where no prompt has a system turn.
        n_refused: Prompts that the chat template refused; their responses failed.
        refused: Why it refused the first of them; empty where it refused none.
    """

    prompts_sha256: str
    template_sha256: str
    most_bos: int
    prefill: str
    system_sha256: str = ""
    n_refused: int = 0
    refused: str = ""


def respond(
    loaded: Loaded, items: Sequence[Item], condition: Condition, tick: Callable[[int], None]
) -> tuple[list[Response], Rendered]:
    """Write the responses, items in order and replicates within items.

    A prompt that leaves no room for an answer in the model's context, or that the chat template refuses, becomes a
    failed response.
    """
    form, chat = condition.form, loaded.chat
    written_prompts = [write_prompt(item, form, condition.system, condition.root, chat) for item in items]
    prompts = [prompt.tokens for prompt in written_prompts]
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
    begun = beginning(form, chat)
    responses = [
        _response(chat, begun, job, next(written) if fit else None) for job, fit in zip(jobs, fits, strict=True)
    ]
    return responses, _rendered(written_prompts, begun, chat)


def _seed(condition: Condition, item: Item, replicate: int) -> int:
    return seeds.derive(condition.root, "decode", condition.stream, item.id, replicate)


def _response(chat: Chat, begun: str, job: tuple[Item, tuple[int, ...], int], written: Any) -> Response:
    item, tokens, replicate = job
    if written is None:
        return Response(item.id, replicate, "", Status.FAILED, len(tokens), 0)
    text = chat.tokenizer.decode(list(written.tokens), skip_special_tokens=True)
    status = Status.OK if written.complete else Status.TRUNCATED
    return Response(item.id, replicate, begun + text, status, len(tokens), len(written.tokens))


def _rendered(written: Sequence[Prompt], begun: str, chat: Chat) -> Rendered:
    prompts = [prompt.tokens for prompt in written]
    bos = chat.tokenizer.bos_token_id
    most = max((tokens.count(bos) for tokens in prompts), default=0) if bos is not None else 0
    if bos is not None and bos == chat.tokenizer.eos_token_id:
        # Templates that end turns with the same token repeat it by design; count the leading run only.
        most = max((_leading(tokens, bos) for tokens in prompts), default=0)
    systems = sorted({prompt.system for prompt in written} - {""})
    refused = [prompt.error for prompt in written if prompt.error]
    return Rendered(
        digest([list(tokens) for tokens in prompts]),
        chat.template_digest,
        most,
        begun,
        digest(systems) if systems else "",
        len(refused),
        refused[0] if refused else "",
    )


def _leading(tokens: Sequence[int], token: int) -> int:
    return next((place for place, found in enumerate(tokens) if found != token), len(tokens))
