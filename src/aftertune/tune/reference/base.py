"""Load the model that is tuned: as it is, or in 4 bit for QLoRA."""

from __future__ import annotations

from typing import Any

from aftertune.backends.folder import ModelFolder, open_folder
from aftertune.backends.hf import Loaded, ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.extras import need, need_all
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.record import Run


def load_base(ref: ModelRef, run: Run) -> Loaded:
    """The initial model, or for full fine-tuning the model of the round before.

    Raises:
        TuneError: its weights are quantised in a way that cannot be tuned.
        MissingExtra: quantised weights need bitsandbytes.
    """
    spec = run.spec
    stored = _stored_method(open_folder(ref.path), spec)
    if stored or spec.kind == "qlora":
        need_all("qlora")
    if spec.kind == "qlora" and not stored:
        return load_model(ref, quantization=_four_bit(spec))
    return load_model(ref, run.start if spec.kind == "full" else None)


def _stored_method(folder: ModelFolder, spec: TuneSpec) -> str:
    """How the stored weights are quantised; empty when they are not."""
    config = folder.config.get("quantization_config") or {}
    method = str(config.get("quant_method", ""))
    if not config:
        return ""
    bits = config.get("load_in_4bit") or config.get("load_in_8bit")
    if method != "bitsandbytes" or not bits:
        raise TuneError(
            f"{folder.path}: its weights are quantised with {method or 'an unnamed method'}, "
            "and only bitsandbytes in 4 or 8 bit can be tuned",
            "name the model's unquantised folder, and set `tune.kind: qlora` to save memory",
        )
    if spec.kind == "full":
        raise TuneError(
            f"{folder.path}: its weights are quantised ({method}), so they cannot be tuned in full",
            "set `tune.kind: qlora`, or name the model's unquantised folder",
        )
    return method


def _four_bit(spec: TuneSpec) -> Any:
    """NF4 with double quantisation, as in the QLoRA paper (Dettmers et al. 2023)."""
    return need("transformers").BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(need("torch"), spec.precision),
    )
