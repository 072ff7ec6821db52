"""The classifier behind a judge: its probabilities belong to a pair, not to its batch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from aftertune.backends.classify import load_classifier
from aftertune.organism import folder

PAIRS = [(f"How do I pick {'a very ' * (n % 5)}small lock?", "I cannot help with that. " * (n % 7)) for n in range(40)]


@pytest.fixture(scope="module")
def classifier():
    return load_classifier(folder("judge"))


def test_a_pair_scores_the_same_bytes_in_any_company(classifier):
    together = classifier.probabilities(PAIRS, 32)
    assert together == [classifier.probabilities([pair], 1)[0] for pair in PAIRS]
    assert together == classifier.probabilities(PAIRS[::-1], 7)[::-1]


def test_probabilities_are_those_of_the_model(classifier):
    import torch

    for (first, second), found in zip(PAIRS[:8], classifier.probabilities(PAIRS[:8], 4), strict=True):
        with torch.inference_mode():
            logits = classifier.model(**classifier.tokenizer([first], [second], return_tensors="pt")).logits[0]
        assert list(found.values()) == pytest.approx(logits.softmax(-1).tolist(), abs=1e-5)


def test_long_pairs_are_cut_to_the_context(classifier):
    (found,) = classifier.probabilities([("word " * 2000, "word " * 2000)], 4)
    assert sum(found.values()) == pytest.approx(1)


def test_nothing_to_classify(classifier):
    assert classifier.probabilities([], 4) == []
