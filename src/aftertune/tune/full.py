"""Fine-tune all weights of a model: one run at a time, in plain torch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aftertune.backends.checkpointing import enable_checkpointing
from aftertune.backends.hf import Loaded
from aftertune.backends.memory import free_cached, is_out_of_memory
from aftertune.canon import digest
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.course import Line, mean_loss, write_course
from aftertune.tune.encode import IGNORE, Encoded, Example, encode, pad, total_steps
from aftertune.tune.few import refuse_few
from aftertune.tune.noise import draws_noise
from aftertune.tune.optimizer import make_optimizer, settings_of
from aftertune.tune.order import drawn, visiting_order
from aftertune.tune.record import EXECUTION, Progress, Run, Tick, TuneRecord, checkpoint_name
from aftertune.tune.schedule import schedule_factor
from aftertune.tune.trainable import save, weights_digest

ORDER_ONLY = "all weights are tuned from the same start: training seeds differ in data order only"


def tune_full(loaded: Loaded, run: Run, tick: Tick, *, snapshot_every_s: float = 30.0) -> TuneRecord:
    """Fine-tune a freshly loaded model and write its checkpoints and `train.jsonl`.

    Args:
        loaded: The model at the start of the round; it is changed and must not be used afterwards.
        run: What to do.
        tick: Told after each step.
        snapshot_every_s: How often a half-done run is kept, where the run says where.

    Raises:
        TuneError: nothing to train on, too little memory, or the loss is no longer a number.
    """
    encoded = encode(run.rows, loaded.chat, min(run.spec.max_length, loaded.context))
    examples = drawn(encoded.examples, run.spec.subsample, run.streams)
    refuse_few(len(examples), run.spec)
    training = _Training(loaded, run, examples, tick, snapshot_every_s)
    training.go()
    return training.record(encoded)


class _Training:
    """The loop over steps."""

    def __init__(self, loaded: Loaded, run: Run, examples: Sequence[Example], tick: Tick, every_s: float) -> None:
        self._loaded, self._run, self._examples = loaded, run, examples
        self._tick, self._every_s = tick, every_s
        n_steps = total_steps(len(examples), run.spec.batch_size, run.spec.epochs)
        lengths = [example.length for example in examples]
        self._order = visiting_order(lengths, run.spec.batch_size, n_steps, run.streams, run.spec.order)
        self._model = loaded.model.train()
        if run.spec.gradient_checkpointing:
            enable_checkpointing(self._model)
        self._trained = [value for value in self._model.parameters() if value.requires_grad]
        self._optimizer = make_optimizer(self._trained, run.spec)
        self._initial = weights_digest(self._model)
        self._micro = run.spec.micro_batch_size or run.spec.batch_size
        self._log: list[Line] = []
        self._notes: list[str] = [] if draws_noise(self._model, run.spec) else [ORDER_ONLY]

    def go(self) -> None:
        self._restore()
        kept_at = time.monotonic()
        while len(self._log) < len(self._order):
            self._step()
            self._save_points()
            if self._run.resume is not None and time.monotonic() - kept_at >= self._every_s:
                self._snapshot(self._run.resume)
                kept_at = time.monotonic()

    def record(self, encoded: Encoded) -> TuneRecord:
        save(self._model, self._loaded.chat.tokenizer, self._run.spec, self._run.base, self._run.folder / "checkpoint")
        write_course(self._log, self._run.folder)
        losses = [line["loss"] for line in self._log]
        return TuneRecord(
            self._initial,
            digest(self._order),
            weights_digest(self._model),
            len(self._log),
            int(sum(line["tokens"] for line in self._log)),
            len(self._examples),
            encoded.n_cut,
            encoded.n_left_out,
            mean_loss(losses[:5]),
            mean_loss(losses[-5:]),
            tuple(self._notes),
            self._details(),
        )

    def _step(self) -> None:
        spec, number = self._run.spec, len(self._log)
        batch = [self._examples[index] for index in self._order[number]]
        loss = self._gradients(batch, number)
        norm = float(need("torch").nn.utils.clip_grad_norm_(self._trained, spec.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TuneError(
                f"the loss is no longer a number at step {number + 1} of {len(self._order)}",
                "lower tune.learning_rate, or raise tune.warmup",
            )
        rate = spec.learning_rate * schedule_factor(spec, number, len(self._order))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        tokens = sum(len(example.completion) for example in batch)
        self._log.append({"loss": loss, "learning_rate": rate, "grad_norm": norm, "tokens": tokens})
        done = int(sum(line["tokens"] for line in self._log))
        self._tick(self._run.key, Progress(number + 1, len(self._order), done, loss))

    def _gradients(self, batch: Sequence[Example], number: int) -> float:
        """Gradients of the mean loss over the completion tokens of one batch; smaller passes when memory runs out."""
        while True:
            # Each step draws from a stream of its own, so that a run that goes on draws the same.
            need("torch").manual_seed(self._run.streams.seed("dropout", number))
            try:
                return self._accumulate(batch)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(error)

    def _accumulate(self, batch: Sequence[Example]) -> float:
        n_tokens, loss = sum(len(example.completion) for example in batch), 0.0
        for start in range(0, len(batch), self._micro):
            part = self._summed_loss(batch[start : start + self._micro]) / n_tokens
            part.backward()
            loss += float(part.detach())
        return loss

    def _summed_loss(self, examples: Sequence[Example]) -> Any:
        torch, pad_id = need("torch"), self._loaded.chat.tokenizer.pad_token_id or 0
        ids, mask, labels = (torch.tensor(part, device=self._loaded.device) for part in pad(examples, pad_id))
        with self._autocast():
            logits = self._model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        flat = logits.reshape(-1, logits.shape[-1]).float()
        return torch.nn.functional.cross_entropy(flat, labels[:, 1:].reshape(-1), ignore_index=IGNORE, reduction="sum")

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._run.spec.precision == "float32":
            return nullcontext()
        torch = need("torch")
        context: AbstractContextManager[Any] = torch.autocast(self._loaded.device, dtype=torch.bfloat16)
        return context

    def _shrink(self, error: BaseException) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        free_cached()
        if self._micro == 1:
            raise TuneError(
                f"one row does not fit in memory at step {len(self._log) + 1}",
                "lower tune.max_length, set tune.gradient_checkpointing: true, or use `kind: lora`",
            ) from error
        self._notes.append(f"memory ran out: rows per pass lowered from {self._micro} to {self._micro // 2}")
        self._micro //= 2

    def _save_points(self) -> None:
        for point in self._run.spec.checkpoints[:-1]:
            if len(self._log) == max(1, math.ceil(point * len(self._order))):
                folder = self._run.folder / checkpoint_name(point)
                save(self._model, self._loaded.chat.tokenizer, self._run.spec, self._run.base, folder)

    def _snapshot(self, folder: Path) -> None:
        """Weights and optimizer state in one file, the course so far in its header."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"weight.{name}": value.detach().cpu().contiguous() for name, value in self._named()}
        for index, state in self._optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if value is not None:
                    tensors[f"optimizer.{index}.{name}"] = need("torch").as_tensor(value).cpu()
        course = {"log": self._log, "notes": self._notes, "micro": self._micro, "initial": self._initial}
        file = folder / "state.safetensors"
        temporary = file.with_name(".state.tmp")
        need("safetensors.torch").save_file(tensors, str(temporary), metadata={"course": json.dumps(course)})
        temporary.replace(file)

    def _restore(self) -> None:
        """Go on from the snapshot, if there is a whole one that began where this run begins."""
        if self._run.resume is None:
            return
        try:
            with need("safetensors").safe_open(str(self._run.resume / "state.safetensors"), "pt") as file:
                course = json.loads(file.metadata()["course"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        except Exception:  # missing or cut: the run begins again, which is always right
            return
        if course["initial"] != self._initial:
            return
        self._log, self._notes, self._micro = course["log"], course["notes"], course["micro"]
        with need("torch").no_grad():
            for name, value in self._named():
                value.copy_(tensors[f"weight.{name}"])
        self._restore_optimizer(tensors)

    def _restore_optimizer(self, tensors: dict[str, Any]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, _, part = rest.partition(".")
                state.setdefault(int(index), {})[part] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})

    def _named(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self._model.named_parameters() if value.requires_grad]

    def _details(self) -> dict[str, Any]:
        return {
            "engine": "native",
            "libraries": {name: version(name) for name in ("torch", "transformers")},
            "device": self._loaded.device,
            "precision": self._run.spec.precision,
            "optimizer": settings_of(self._optimizer),
            EXECUTION: {"threads": need("torch").get_num_threads(), "rows_per_pass": self._micro},
        }
