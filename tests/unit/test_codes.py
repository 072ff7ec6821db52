"""Columns as numbers: order, nulls, many combinations."""

import numpy as np
import polars as pl
import pytest

from aftertune.codes import all_different, codes, dense, joint_code


@pytest.mark.parametrize(
    "values", [["b", "a", "b"], ["b", None, "a"], [3, 1, 2], [3, None, 1], ["a", "a"], [None, None, "a"]]
)
def test_levels_and_places_give_the_column_back(values: list) -> None:
    levels, place = codes(pl.Series(values))
    assert [levels[at] for at in place] == values
    assert levels == sorted(set(values), key=lambda value: (value is not None, value))


def test_joint_codes_keep_the_order_of_their_columns() -> None:
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, n, 500) for n in (3, 1, 5, 4)]
    key, size = joint_code([codes(pl.Series(column)) for column in columns])
    assert size == 60
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert [rows[at] for at in np.argsort(key, kind="stable")] == sorted(rows)


def test_more_combinations_than_numbers_stay_apart() -> None:
    rng = np.random.default_rng(2)
    places = {str(at): codes(pl.Series(rng.permutation(2000))) for at in range(8)}  # 2000^8 is above 2^62
    assert all_different(places)
    twice = {name: (levels, np.concatenate([place, place[:1]])) for name, (levels, place) in places.items()}
    assert not all_different(twice)


@pytest.mark.parametrize("size", [50, 10**12])
def test_dense_numbers_are_the_same_either_way(size: int) -> None:
    key = np.array([40, 3, 40, 7])
    there, place = dense(key, size)
    assert there.tolist() == [3, 7, 40]
    assert there[place].tolist() == key.tolist()
