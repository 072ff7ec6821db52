"""Near-duplicates: against similarities computed in full, in any order and any chunks, and on hostile text."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data.near_duplicates import SIMILAR, NearDuplicates, Sketches, group, similarity, sketch
from aftertune.data.text.letters import letters

TEXT = "the cat sat on a mat while seven green apples fell from an old tree near our quiet river last summer"
WORDS = TEXT.split()


def found(*texts: str) -> NearDuplicates:
    return group([sketch([""] * len(texts), texts)])


def jaccard(first: str, second: str) -> float:
    one, other = (
        {text[start : start + 8] for start in range(max(len(text) - 7, 1))} for text in map(letters, (first, second))
    )
    return len(one & other) / len(one | other)


def sentences(n: int, seed: int, length: int = 60) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, length)) for _ in range(n)]


class TestLetters:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Hello, World!", "hello world"),
            ("a\tb\r\n\r\nc", "A  b c."),
            ("\u201cQuoted\u201d \u2014 text\u2026", '"quoted" - text...'),
            ("\uff21\uff22\uff23", "abc"),
            ("cafe\u0301", "CAF\u00c9"),
            ("\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u4f60\u597d \u4e16\u754c"),
        ],
    )
    def test_what_does_not_count(self, one: str, other: str) -> None:
        assert letters(one) == letters(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("1 2", "1 3"),
            ("resume", "r\u00e9sum\u00e9"),
            ("\u0915\u093f", "\u0915\u0940"),
            ("\U0001f600", "\U0001f601"),
        ],
    )
    def test_what_counts(self, one: str, other: str) -> None:
        assert letters(one) != letters(other)

    @given(st.text())
    def test_any_text_has_letters_and_its_own_letters_stay(self, text: str) -> None:
        made = letters(text)
        assert not set(made) & set(b" \n\t.,;:!?-_()[]{}\"'#*/\\ABCXYZ")

    def test_a_long_text_is_the_same_in_pieces(self) -> None:
        text = "Some words, over and over. " * 20_000
        assert letters(text) == letters(text[:1000] + "\n" + text[1000:])


class TestGroups:
    def test_counts_by_three_rules(self) -> None:
        base = sentences(1, 1)[0]
        prompts = ["Q1", "Q1", "Q1", "Q2", "Q3", "Q4"]
        answers = [base, base, base.upper() + "!", base, "a wholly other answer here", "and one more that stands alone"]
        made = group([sketch(prompts, answers)])
        assert (made.exact.n_rows, made.exact.n_extra, made.exact.n_groups, made.exact.largest) == (2, 1, 1, 2)
        assert (made.prompt.n_rows, made.prompt.n_extra, made.prompt.n_groups, made.prompt.largest) == (3, 2, 1, 3)
        assert (made.near.n_rows, made.near.n_extra, made.near.n_groups, made.near.largest) == (4, 3, 1, 4)
        assert made.near.group_R.tolist() == [0, 0, 0, 0, 1, 2]
        assert made.near.examples == ((0, 1, 2, 3),)

    def test_the_prompt_and_the_answer_are_not_one_text(self) -> None:
        made = group([sketch(["ab", "a"], ["c", "bc"])])
        assert made.exact.n_groups == 0
        assert made.near.n_groups == 1

    def test_no_rows_and_one_row(self) -> None:
        for made in (group([]), group([sketch([], [])])):
            assert made.near.n_rows == made.near.largest == 0
            assert made.near.examples == ()
        assert found("alone").near.group_R.tolist() == [0]

    def test_rows_without_letters_are_like_none_but_their_equals(self) -> None:
        made = found("", "", "?!", "...", "\x00\x1b")
        assert made.exact.n_groups == 1
        assert made.near.group_R.tolist() == [0, 0, 1, 2, 3]

    def test_short_rows_are_told_apart(self) -> None:
        made = found("Yes.", "yes", "No", "Paris", "London", "4", "44")
        assert made.near.group_R.tolist() == [0, 0, 1, 2, 3, 4, 5]

    def test_answers_must_fit_the_prompts(self) -> None:
        with pytest.raises(ValueError, match="one answer per prompt"):
            sketch(["a"], [])

    def test_the_largest_groups_are_shown_first(self) -> None:
        few, many = "one text that comes twice", "another text that comes three times over"
        made = found(few, many, few, many, many, *sentences(20, 2))
        assert made.near.examples == ((1, 3, 4), (0, 2))


class TestOrder:
    @settings(deadline=None, max_examples=30)
    @given(st.randoms(use_true_random=False), st.integers(1, 7))
    def test_neither_the_order_nor_the_chunks_matter(self, shuffle, size: int) -> None:
        texts = sentences(12, 3, 40)
        texts += [text.replace("cat", "dog") for text in texts[:6]] + texts[:3] + ["", "?"]
        whole = found(*texts).near.group_R
        order = list(range(len(texts)))
        shuffle.shuffle(order)
        mixed = [texts[place] for place in order]
        chunks = [mixed[start : start + size] for start in range(0, len(mixed), size)]
        again = group([sketch([""] * len(chunk), chunk) for chunk in chunks]).near.group_R
        for one, other in combinations(range(len(order)), 2):
            assert (again[one] == again[other]) == (whole[order[one]] == whole[order[other]])

    def test_a_row_is_sketched_alone(self) -> None:
        texts = [*sentences(300, 4, 200), "", "x", *sentences(3, 5, 20_000)]
        together = sketch(texts, texts)
        for place in (0, 7, 299, 300, 301, 302, 304):
            alone = sketch([texts[place]], [texts[place]])
            assert (alone.bins_RK[0] == together.bins_RK[place]).all()
            assert (alone.bands_RB[0] == together.bands_RB[place]).all()
            assert alone.whole_R[0] == together.whole_R[place]

    def test_another_process_makes_the_same_sketch(self) -> None:
        code = (
            "from aftertune.data.near_duplicates import sketch\n"
            "s = sketch(['Say it'], ['Some words to say in a row, one after another'])\n"
            "print(s.whole_R.tolist(), s.bands_RB[0, :3].tolist(), int(s.bins_RK.astype(int).sum()))"
        )
        runs = [
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PATH": ""},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        ]
        assert runs[0] == runs[1] == GOLDEN


GOLDEN = "[14810260899901811262] [3074010831, 172659547, 2178101969] 3845\n"


class TestSimilarity:
    def test_the_estimate_has_no_bias_and_the_stated_error(self) -> None:
        errors = []
        for first in sentences(400, 6, 150):
            words = first.split()
            for place in range(5, 150, 25):
                words[place] = "zebra"
            second = " ".join(words)
            made = sketch(["", ""], [first, second])
            errors.append(similarity(made.bins_RK[:1], made.bins_RK[1:])[0] - jaccard(first, second))
        assert abs(np.mean(errors)) < 4 * 0.025 / np.sqrt(400)
        assert 0.01 < np.std(errors) < 0.03

    def test_pairs_well_above_are_joined_and_pairs_well_below_are_not(self) -> None:
        rng, high, low = np.random.default_rng(7), [], []
        for first in sentences(800, 8, 80):
            words = first.split()
            for place in rng.choice(80, int(rng.integers(1, 12)), replace=False):
                words[place] = str(rng.integers(1000, 9999))
            true = jaccard(first, " ".join(words))
            (high if true > SIMILAR + 0.06 else low if true < SIMILAR - 0.1 else []).append((first, " ".join(words)))
        assert min(len(high), len(low)) > 100
        assert np.mean([found(*pair).near.n_groups for pair in high]) > 0.99
        assert sum(found(*pair).near.n_groups for pair in low) == 0

    def test_unrelated_rows_with_common_words_stay_apart(self) -> None:
        assert found(*sentences(3000, 9, 25)).near.n_groups == 0

    def test_every_pair_of_a_real_set(self, shared_data: Path) -> None:
        """All 4.5 million pairs of 2,996 rows, computed in full."""
        rows = json.loads(gzip.decompress((shared_data / "dolly" / "dolly_3k.json.gz").read_bytes()))
        prompts, answers = [f"{row['instruction']}\n{row['input']}" for row in rows], [row["output"] for row in rows]
        group_R = group([sketch(prompts, answers)]).near.group_R
        true = {pair for pair, value in all_pairs(prompts, answers) if value >= SIMILAR}
        near = {pair for pair, value in all_pairs(prompts, answers) if value >= SIMILAR - 0.05}
        joined = {pair for pair in near | true if group_R[pair[0]] == group_R[pair[1]]}
        assert len(true) == 12
        assert len(true - joined) <= 1
        made = np.bincount(group_R)
        assert 8 <= (made - 1).sum() <= len(near)


def all_pairs(prompts: list[str], answers: list[str]) -> list[tuple[tuple[int, int], float]]:
    from scipy.sparse import csr_array

    sets = []
    for prompt, answer in zip(prompts, answers, strict=True):
        text = letters(prompt) + letters(answer)
        sets.append({text[start : start + 8] for start in range(max(len(text) - 7, 1))})
    number = {shingle: place for place, shingle in enumerate(sorted(set().union(*sets)))}
    rows = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    columns = np.array([number[shingle] for one in sets for shingle in one])
    table = csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=(len(sets), len(number)))
    shared = (table @ table.T).tocoo()
    sizes = np.array([len(one) for one in sets])
    keep = shared.row < shared.col
    row, col, both = shared.row[keep], shared.col[keep], shared.data[keep]
    value = both / (sizes[row] + sizes[col] - both)
    high = value > 0.5
    return [((int(a), int(b)), float(v)) for a, b, v in zip(row[high], col[high], value[high], strict=True)]


class TestSize:
    def test_a_sketch_is_400_bytes_a_row(self) -> None:
        made = sketch(["a"] * 10, ["b"] * 10)
        assert sum(array.nbytes for array in (made.prompt_R, made.whole_R, made.bins_RK, made.bands_RB)) == 4000

    def test_enormous_rows(self) -> None:
        """A run of one letter, a few words over and over, and two of noise that differ at one end."""
        rng = np.random.default_rng(10)
        noise = rng.integers(97, 123, 5_000_000, dtype=np.uint8).tobytes().decode()
        long = "every word of it " * 600_000
        start = time.process_time()
        made = found("a" * 10_000_000, long, noise, f"Then: {noise[1000:]}")
        assert made.near.group_R.tolist() == [0, 1, 2, 2]
        assert time.process_time() - start < 20

    def test_hostile_text(self) -> None:
        texts = ["\ud800 lone", "\x1b[31mred\x1b[0m", "<b>" * 1000, "\u202e" * 50, "\x00" * 100, "\ufdfa" * 30]
        assert found(*texts).near.n_groups == 0

    def test_twenty_thousand_rows_from_one_template(self) -> None:
        rng = np.random.default_rng(11)
        body = sentences(1, 12, 80)[0]
        texts = [f"{body} {rng.integers(10**9)} {body[:60]} {rng.integers(10**9)}" for _ in range(20_000)]
        start = time.process_time()
        made = found(*texts)
        assert time.process_time() - start < 10
        assert made.near.largest > 19_000

    def test_chunks_are_not_copied_into_one(self) -> None:
        parts = [sketch(texts, texts) for texts in (sentences(50, seed) for seed in range(20))]
        assert all(isinstance(part, Sketches) and len(part) == 50 for part in parts)
        assert group(parts).near.group_R.shape == (1000,)
