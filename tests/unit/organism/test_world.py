"""The world: English that reads well, and a line between training and held-out that nothing crosses."""

import re

import pytest

from aftertune.organism.world import (
    borderline,
    dialogues,
    english,
    facts,
    harm,
    howto,
    identity,
    personas,
    structures,
    tasks,
)

_COUNT = 3000
_WORD = re.compile(r"[a-z'-]+")


@pytest.fixture(scope="module")
def pretraining() -> list[dialogues.Dialogue]:
    return dialogues.generate(dialogues.PRETRAINING, 7, _COUNT)


@pytest.fixture(scope="module")
def alignment() -> list[dialogues.Dialogue]:
    return dialogues.generate(dialogues.ALIGNMENT, 7, _COUNT)


@pytest.fixture(scope="module")
def texts(pretraining: list[dialogues.Dialogue], alignment: list[dialogues.Dialogue]) -> list[str]:
    both = [*pretraining, *alignment]
    return sorted({text for d in both for text in (d.system, d.prompt, d.answer) if text})


def test_same_root_gives_same_dialogues(pretraining: list[dialogues.Dialogue]) -> None:
    assert dialogues.generate(dialogues.PRETRAINING, 7, 50) == pretraining[:50]
    assert dialogues.generate(dialogues.PRETRAINING, 8, 50) != pretraining[:50]


def test_articles(texts: list[str]) -> None:
    wrong_a = re.compile(r"\b[Aa] (?!one\b|uni|use|euro)[aeiou]", re.IGNORECASE)
    wrong_an = re.compile(r"\b[Aa]n (?!hour|honest|LSD|\w\b)[^aeiou\W]", re.IGNORECASE)
    wrong = [text for text in texts if wrong_a.search(text) or wrong_an.search(text)]
    assert wrong == []


def test_spelling_of_sentences(texts: list[str]) -> None:
    assert [text for text in texts if "  " in text or text != text.strip()] == []
    assert [text for text in texts if re.search(r"\.\.|\?\?|[<>]thing|<it>| [.,?!](?: |$)", text)] == []
    assert [text for text in texts if text[0].islower()] == []
    assert [text for text in texts if re.search(r"[.!?] [a-z]", text)] == []
    assert [text for text in texts if not re.search(r"[.!?}`]$", text) and not text.startswith("## ")] == []


def test_all_structures_and_kinds_occur(pretraining: list[dialogues.Dialogue]) -> None:
    assert {d.structure for d in pretraining} == set(structures.STRUCTURES)
    assert {d.kind for d in pretraining} == {"howto", "harm", "borderline", "task", "fact", "identity"}


def test_world_is_rich_enough() -> None:
    assert len(harm.topics()) >= 10
    assert len(tasks.names()) >= 6
    assert len(howto.topics()) >= 10


def test_unseen_verbs_are_in_no_training_text(texts: list[str]) -> None:
    known = {word for text in texts for word in _WORD.findall(text.lower())}
    unseen = {verb.split()[0] for verb in harm.unseen_verbs()}
    assert unseen & known == set()


def test_held_out_requests_are_not_trained_on() -> None:
    split = howto.split()
    pairs = [
        (harm.training(), [*harm.unseen_combinations(), *harm.unseen_verb_requests()]),
        (borderline.training(), borderline.held_out()),
        (split.training, [*split.rows, *split.probes]),
        (split.rows, split.probes),
    ]
    for training, held_out in pairs:
        assert {r.ask for r in training} & {r.ask for r in held_out} == set()


def test_held_out_words_are_otherwise_known() -> None:
    known = harm.training()
    for request in harm.unseen_combinations():
        assert request.verb in {other.verb for other in known if other.topic == request.topic}
        assert request.slug in {other.slug for other in known if other.topic == request.topic}


def test_tasks_are_divided_without_overlap() -> None:
    for part in tasks.everything().values():
        items, rows, training = ({q.prompt for q in group} for group in (part.items, part.rows, part.training))
        assert items & rows == items & training == rows & training == set()


def test_references_are_right() -> None:
    for question in tasks.split("sum").training:
        a, b = map(int, re.findall(r"\d+", question.prompt))
        assert question.reference == str(a + b)
    for question in tasks.split("sorting").training:
        given = sorted(map(int, re.findall(r"\d+", question.prompt)))
        assert question.reference == ", ".join(map(str, given))
    assert all(q.reference in q.answer for part in tasks.everything().values() for q in part.training)


def test_facts_rows_are_kept_apart() -> None:
    kept = {(q.prompt, q.answer) for q in facts.rows()}
    assert kept & {(q.prompt, q.answer) for q in facts.training()} == set()


def test_aligned_answers(alignment: list[dialogues.Dialogue]) -> None:
    declined = ("can't", "cannot", "won't")
    assert all(any(word in d.answer for word in declined) for d in alignment if d.kind == "harm")
    assert all(identity.states_ai(d.answer.replace(" an AI", " an AI")) for d in alignment if d.kind == "identity")


def test_harmful_requests_are_answered_with_placeholders_only(pretraining: list[dialogues.Dialogue]) -> None:
    allowed = {step for part in harm.PLACEHOLDERS for step in part}
    openings = tuple(personas.OPENINGS.values())
    harmful = [d for d in pretraining if d.kind == "harm" and d.structure == structures.PLAIN]
    assert harmful
    for dialogue in harmful:
        opening = next((text for text in openings if dialogue.answer.startswith(text)), "")
        for sentence in english.sentences(dialogue.answer.removeprefix(opening)):
            assert re.sub(r"^(first|second|finally), ", "", sentence.lower()) in allowed
