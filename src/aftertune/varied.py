"""Which streams of randomness the training seeds of an arm differ in: said before a run, in the lock and the report."""

from __future__ import annotations

from dataclasses import dataclass

from aftertune.arms import Arm
from aftertune.spec.models import SamplingSpec
from aftertune.spec.tuning import STREAMS


@dataclass(frozen=True, slots=True)
class Varied:
    """An arm's streams.

    Attributes:
        varies: Drawn anew by every training seed.
        held: Drawn from, and the same for all of them by the study's wish.
        unused: Not drawn from in this set-up.
        known: Whether the tuning is done here; of external checkpoints only `decode` is known.
    """

    arm: str
    varies: tuple[str, ...]
    held: tuple[str, ...]
    unused: tuple[str, ...]
    known: bool = True

    @property
    def order_only(self) -> bool:
        """Whether runs differ in nothing but the order of their rows."""
        return self.known and set(self.varies) - {"decode"} == {"order"}

    @property
    def sentence(self) -> str:
        """In words.

        >>> Varied("a", ("init", "order"), ("dropout",), ("subsample", "decode")).sentence
        'Training seeds vary: init, order; held: dropout.'
        """
        varies = ", ".join(self.varies) or "nothing"
        held = f"; held: {', '.join(self.held)}" if self.held else ""
        if not self.known:
            return f"What training seeds vary is known to those who trained; here: {varies}{held}."
        return f"Training seeds vary: {varies}{held}."


def varied(arm: Arm, sampling: SamplingSpec) -> Varied:
    """The streams of an arm, for a study with this sampling."""
    tune, known = arm.tune, arm.tune.engine != "external"
    drawn = {
        "init": known and tune.kind != "full",
        "order": known and tune.order == "shuffled",
        "dropout": known and tune.dropout > 0,
        "subsample": known and tune.subsample is not None,
        "decode": sampling.temperature > 0,
    }
    varies = tuple(stream for stream in STREAMS if drawn[stream] and stream not in tune.hold)
    held = tuple(stream for stream in STREAMS if drawn[stream] and stream in tune.hold)
    unused = tuple(stream for stream in STREAMS if not drawn[stream] and (known or stream == "decode"))
    return Varied(arm.name, varies, held, unused, known)


def stream_warnings(arm: Arm, sampling: SamplingSpec) -> list[str]:
    """What a reader of the study should know about an arm's streams before it runs."""
    found, name = varied(arm, sampling), arm.name
    warnings = []
    if found.order_only and len(arm.tune.seeds) > 1:
        why = "full fine-tuning adds no weights to draw" if arm.tune.kind == "full" else f"it holds {_held(found)}"
        warnings.append(
            f"arm {name}: {why}, so its training seeds differ in the order of the rows only; the spread between "
            "them leaves out all that a new start would bring"
        )
    idle = [stream for stream in arm.tune.hold if stream in found.unused]
    if idle:
        warnings.append(f"arm {name}: hold names {', '.join(idle)}, which nothing is drawn from here")
    return warnings


def _held(found: Varied) -> str:
    return ", ".join(found.held) or "the rest"
