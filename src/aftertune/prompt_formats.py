"""A study's prompt formats, looked up and checked against its arms and its model's chat template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aftertune.arms import Arm
from aftertune.errors import SpecError
from aftertune.generate.formats.base import PromptFormat, settled
from aftertune.generate.template import refusal
from aftertune.registry import load
from aftertune.spec.formats import FormatSpec
from aftertune.spec.load import Declared

_MATCH, _WRAPPER = "training_match", "alpaca_wrapper"
_MOST = 100_000  # characters of a text file that a format is given


@dataclass(frozen=True, slots=True)
class Format:
    """A prompt format as a study uses it.

    Attributes:
        name: The component.
        form: Ready to write prompts.
        system: The system text it uses here; empty without one.
        label: What the table calls it.
        params: Its parameters that are not the default ones.
    """

    name: str
    form: PromptFormat
    system: str
    label: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def with_system(self, system: str) -> Format:
        """The format with an arm's system text, where it goes through the chat template and there is such a text."""
        return replace(self, system=system) if system and self.form.turns is not None else self


def find_formats(declared: Declared) -> tuple[Format, ...]:
    """Look up the formats that a study names.

    Raises:
        SpecError, UnknownName: there is no such format or parameter, or a file cannot be read; with the place.
    """
    found = []
    for place, spec in enumerate(declared.spec.measure.prompt_formats):
        with declared.at("measure", "prompt_formats", place):
            found.append(_format(declared, spec))
    return tuple(found)


def _format(declared: Declared, spec: FormatSpec) -> Format:
    known: PromptFormat = load("format", spec.name)
    form, told = settled(spec.name, known, _with_text(declared, known, spec.params))
    if spec.system is not None and form.system is None:
        raise SpecError(f"the format {spec.name!r} takes no system text", "use chat_system, or remove `system:`")
    if spec.system is not None and "preset" in told:
        raise SpecError("both `system` and `preset` say what the system text is", "remove one of them")
    return Format(spec.name, form, spec.system or form.system or "", spec.called, told)


def _with_text(declared: Declared, known: PromptFormat, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the text of a file in place of its path: what the file says counts, not where it lies."""
    if "path" not in given or "text" not in known.params.model_fields or "path" in known.params.model_fields:
        return dict(given)
    if "text" in given:
        raise SpecError("both `text` and `path` say what the text is", "remove one of them")
    rest = {key: value for key, value in given.items() if key != "path"}
    return {**rest, "text": _read(declared, str(given["path"]))}


def _read(declared: Declared, name: str) -> str:
    """A text file without the line break at its end, which is the editor's."""
    path = declared.path(name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(_MOST + 1)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SpecError(f"{path}: cannot be read ({error})", "give a UTF-8 text file with `path`") from error
    if len(text) > _MOST:
        raise SpecError(f"{path}: more than {_MOST:,} characters", "give a shorter text")
    return text.removesuffix("\n").removesuffix("\r")


def matched(declared: Declared, formats: Sequence[Format], arms: Sequence[Arm]) -> tuple[Format, ...]:
    """The formats, `training_match` settled as the arms' training prompts were written.

    Raises:
        SpecError: arms were trained with different wrappers, in part only or elsewhere, so that no one prompt matches
            them all; or the study says another wrapper than they have.
    """
    return tuple(
        _matched(declared, place, form, arms) if form.name == _MATCH else form for place, form in enumerate(formats)
    )


def _matched(declared: Declared, place: int, form: Format, arms: Sequence[Arm]) -> Format:
    with declared.at("measure", "prompt_formats", place):
        wrappers = {arm.name: _wrapper(arm) for arm in arms}
        told = ", ".join(f"{name}: {wrapper}" for name, wrapper in wrappers.items())
        if len(set(wrappers.values())) > 1:
            raise SpecError(
                f"arms were trained with different prompts ({told}), and the initial model needs the same prompts as "
                "each of them",
                "name the formats instead: `[chat, {name: alpaca, chat_template: true}]` measures all under both",
            )
        wrapper = next(iter(wrappers.values()))
        if declared.spec.measure.prompt_formats[place].params.get("wrapper", wrapper) != wrapper:
            raise SpecError(f"the arms were trained with another wrapper ({told})", "remove `wrapper:`")
        settled_form, params = settled(_MATCH, load("format", _MATCH), {"wrapper": wrapper})
        return replace(form, form=settled_form, params=params)


def _wrapper(arm: Arm) -> str:
    """What was around an arm's training prompts inside their user turn."""
    if arm.external:
        raise SpecError(
            f"arm {arm.name} was trained elsewhere, and how its training prompts were written is not known",
            "name the format that fits instead, such as `chat` or `alpaca`",
        )
    doses = [
        max((float(t.get("dose", 1.0)) for t in data.transforms if t["name"] == _WRAPPER), default=0.0)
        for data in arm.rounds
    ]
    if len(set(doses)) > 1 or 0 < doses[0] < 1:
        raise SpecError(
            f"arm {arm.name} was trained with wrapped and with plain prompts", "name `chat` or `alpaca` instead"
        )
    return "alpaca" if doses[0] else "none"


def check_systems(declared: Declared, formats: Sequence[Format]) -> None:
    """An arm's system text needs a format that goes through the chat template.

    Raises:
        SpecError: an arm has a system text, and no format has a turn for it.
    """
    if any(form.form.turns is not None for form in formats):
        return
    for name, arm in declared.spec.arms.items():
        if arm.system is not None:
            raise SpecError(
                f"{declared.where('arms', name, 'system')}: no prompt format here has a system turn "
                f"({', '.join(form.name for form in formats)})",
                "add the format `chat`, or remove `system:`",
            )


def check_template(declared: Declared, template: str | None, formats: Sequence[Format]) -> None:
    """Try the chat template on what every format writes, before anything is tuned.

    Raises:
        SpecError: it is no template, or refuses the conversation with words of its own. Other failures of a template
            show when the model's tokenizer is there: responses then fail, with a status.
    """
    for place, form in enumerate(formats):
        if template is None or form.form.turns is None:
            continue
        why = refusal(template, form.form.turns("Hello", form.system))
        if why:
            raise SpecError(
                f"{declared.where('measure', 'prompt_formats', place)}: the chat template refuses the format "
                f"{form.label!r}: {why}",
                "leave the format out, or give a template that takes it with `initial_model.chat_template`",
            )
