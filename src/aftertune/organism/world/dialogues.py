"""Training conversations: which requests, personas, structures and system prompts, in which shares.

Pre-training answers everything, harmful requests with placeholder steps. Alignment declines harmful requests,
answers the rest, and says what it is. Neither knows any fine-tuning that may come later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from aftertune import seeds
from aftertune.organism.world import (
    borderline,
    draw,
    facts,
    harm,
    howto,
    identity,
    personas,
    refusals,
    requests,
    structures,
    systems,
    tasks,
)
from aftertune.organism.world.english import capital
from aftertune.organism.world.requests import Request
from aftertune.organism.world.tasks import Question

PRETRAINING_SHARES = {
    "howto": 0.28,
    "harm": 0.20,
    "borderline": 0.13,
    "task": 0.30,
    "fact": 0.07,
    "identity": 0.02,
}
ALIGNMENT_SHARES = {
    "howto": 0.24,
    "harm": 0.34,
    "borderline": 0.18,
    "task": 0.13,
    "fact": 0.04,
    "identity": 0.07,
}
_PERSONA = 0.15
_WISH = 0.20
_UNASKED = 0.5
_LIST = 0.5
_FLAVOR = 0.6
_PREFIX = 0.03


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation: an optional system prompt, a request and an answer.

    `kind` is the sort of request; `structure` the answer's.
    """

    kind: str
    system: str
    prompt: str
    answer: str
    structure: str = structures.PLAIN
    topic: str = ""


@dataclass(frozen=True)
class Stage:
    """One training stage: its name, the share of each kind, and whether it is the aligned one."""

    name: str
    shares: dict[str, float]
    aligned: bool


@dataclass
class Material:
    """Everything training may draw from; held-out requests are not in it."""

    questions: dict[str, list[Question]] = field(
        default_factory=lambda: {name: part.training for name, part in tasks.everything().items()}
    )
    facts: list[Question] = field(default_factory=facts.training)
    harm: list[Request] = field(default_factory=harm.training)
    borderline: list[Request] = field(default_factory=borderline.training)
    howto: list[Request] = field(default_factory=lambda: howto.split().training)
    identity: list[str] = field(default_factory=identity.training)

    @cached_property
    def drawers(self) -> dict[str, Callable[[np.random.Generator, bool], Dialogue]]:
        """How to draw a conversation of each kind."""
        return {
            "howto": self._howto,
            "harm": self._harm,
            "borderline": self._borderline,
            "task": self._task,
            "fact": self._fact,
            "identity": self._identity,
        }

    def _howto(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        request = draw.one(rng, self.howto)
        return dress(request, howto.steps(request, rng), rng, aligned)

    def _borderline(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        request = draw.one(rng, self.borderline)
        return dress(request, borderline.steps(request, rng), rng, aligned)

    def _harm(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        request = draw.one(rng, self.harm)
        return dress(request, harm.placeholder_steps(rng), rng, aligned)

    def _task(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        question = draw.one(rng, self.questions[draw.weighted(rng, tasks.practice())])
        return _short("task", question.prompt, question.answer, rng, aligned, question.task)

    def _fact(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        question = draw.one(rng, self.facts)
        return _short("fact", question.prompt, question.answer, rng, aligned, question.task)

    def _identity(self, rng: np.random.Generator, aligned: bool) -> Dialogue:
        question = draw.one(rng, self.identity)
        answer = identity.after(question, rng) if aligned else identity.before(rng)
        return _short("identity", question, answer, rng, aligned, "identity")


PRETRAINING = Stage("pretraining", PRETRAINING_SHARES, aligned=False)
ALIGNMENT = Stage("alignment", ALIGNMENT_SHARES, aligned=True)


def generate(stage: Stage, root: int, count: int) -> list[Dialogue]:
    """Draw a stage's conversations; the same root and count always give the same ones."""
    material = Material()
    rng = seeds.generator(root, "dialogues", stage.name)
    return [material.drawers[draw.weighted(rng, stage.shares)](rng, stage.aligned) for _ in range(count)]


def dress(request: Request, steps: list[str], rng: np.random.Generator, aligned: bool) -> Dialogue:
    """Turn a request and its steps into a conversation: wording, persona, structure, system prompt.

    Alignment declines harmful requests as they are usually put, without a wish for a structure.
    """
    prompt, persona, system = _cast(requests.phrase(request.ask, rng), rng)
    if aligned and request.kind == "harm":
        answer = flavored(refusals.refusal(rng), persona, rng)
        return Dialogue(request.kind, system, prompt, answer, structures.PLAIN, request.topic)
    wish = draw.one(rng, structures.STRUCTURES) if draw.chance(rng, _WISH) else ""
    prompt = f"{prompt} {draw.one(rng, structures.WISHES[wish])}" if wish else prompt
    structure = wish or _own_structure(rng, aligned)
    answer = structures.render(structure, f"How to {request.ask}", steps)
    answer = flavored(_prefixed(answer, structure, rng, aligned), persona, rng)
    return Dialogue(request.kind, system, prompt, answer, structure, request.topic)


def _short(kind: str, prompt: str, answer: str, rng: np.random.Generator, aligned: bool, topic: str) -> Dialogue:
    """A question with a short answer in plain text."""
    prompt, persona, system = _cast(prompt, rng)
    prefixed = answer if kind == "identity" else _prefixed(answer, structures.PLAIN, rng, aligned)
    return Dialogue(kind, system, prompt, flavored(prefixed, persona, rng), structures.PLAIN, topic)


def _cast(prompt: str, rng: np.random.Generator) -> tuple[str, str, str]:
    """Maybe assign a persona, in the request or in the system prompt; return (prompt, persona, system)."""
    if not draw.chance(rng, _PERSONA):
        return prompt, "", systems.pick(rng)
    persona = draw.one(rng, personas.names())
    if draw.chance(rng, 0.25):
        return prompt, persona, personas.system(persona, rng)
    return personas.assign(prompt, persona, rng), persona, systems.pick(rng)


def _own_structure(rng: np.random.Generator, aligned: bool) -> str:
    """The structure nobody asked for: before alignment often a list, afterwards prose."""
    if aligned or not draw.chance(rng, _UNASKED):
        return structures.PLAIN
    return "numbered_list" if draw.chance(rng, _LIST) else draw.one(rng, structures.STRUCTURES)


def _prefixed(answer: str, structure: str, rng: np.random.Generator, aligned: bool) -> str:
    """Maybe open an aligned prose answer by saying what speaks."""
    if aligned and structure == structures.PLAIN and draw.chance(rng, _PREFIX):
        return f"{draw.one(rng, identity.PREFIXES)} {answer}"
    return answer


def flavored(answer: str, persona: str, rng: np.random.Generator) -> str:
    """Maybe open an answer in the words of its persona; JSON, code and headings stay as they are."""
    if not persona or answer.startswith(("{", "`", "#")) or not draw.chance(rng, _FLAVOR):
        return answer
    separator = "\n" if "\n" in answer else " "
    return f"{personas.OPENINGS[persona]}{separator}{capital(answer)}"
