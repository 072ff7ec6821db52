"""How likely a model finds answers: the same numbers as one row at a time, whatever the batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from aftertune.backends import likelihood
from aftertune.backends.hf import ModelRef, load_model
from aftertune.organism import folder
from aftertune.records import Row, Turn


def row(asked: str, answer: str) -> Row:
    return Row(asked, (Turn("user", asked), Turn("assistant", answer)))


ROWS = [
    row("How do I clean a kettle?", "First, empty it. Then rinse it with warm water."),
    row("What is 2 plus 3?", "5"),
    row("Tell me about cats.", "zq xv kw jj qq zz xx vv"),
    row("Tell me a story.", "Once upon a time there was a small boat. It sailed far away. " * 3),
]


@pytest.fixture(scope="module")
def organism():
    return load_model(ModelRef(folder("model")))


def by_hand(loaded, one: Row) -> float:
    """From the definition: log-probabilities of the answer's tokens, one forward pass, no batch."""
    chat = loaded.chat
    prompt, answer = chat.tokens(chat.prompt(one.turns[:-1])), chat.tokens(chat.completion(one.turns))
    with torch.inference_mode():
        logp = loaded.model(torch.tensor([[*prompt, *answer]])).logits[0].double().log_softmax(-1)
    total = sum(float(logp[len(prompt) + place - 1, token]) for place, token in enumerate(answer))
    return -total / len(answer)


def test_it_is_the_mean_over_the_answers_tokens(organism):
    assert likelihood.answer_nll(organism, ROWS).nll_N == pytest.approx(
        [by_hand(organism, one) for one in ROWS], abs=1e-4
    )


def test_company_does_not_matter(organism, monkeypatch):
    together = likelihood.answer_nll(organism, ROWS).nll_N
    monkeypatch.setattr(likelihood, "_TOKENS", 1)
    assert likelihood.answer_nll(organism, ROWS).nll_N == pytest.approx(together, abs=1e-5)
    assert likelihood.answer_nll(organism, ROWS[::-1]).nll_N[::-1] == pytest.approx(together, abs=1e-5)


def test_likely_answers_score_low(organism):
    nll = likelihood.answer_nll(organism, ROWS).nll_N
    assert nll[2] > 1.5 * nll[0]


def test_a_long_answer_is_scored_as_far_as_it_fits(organism):
    long = row("Long?", "The cat sat on the mat. " * 400)
    done: list[int] = []
    found = likelihood.answer_nll(organism, [*ROWS, long], done.append)
    assert found.cut_N.tolist() == [False] * len(ROWS) + [True]
    assert not np.isnan(found.nll_N).any()
    assert done[-1] == len(ROWS) + 1


def test_a_prompt_that_fills_the_context_leaves_no_value_and_the_others_keep_theirs(organism):
    found = likelihood.answer_nll(organism, [*ROWS, row("word " * 4000, "Yes.")])
    assert math.isnan(found.nll_N[-1])
    assert not found.cut_N[-1]
    assert not np.isnan(found.nll_N[:-1]).any()
