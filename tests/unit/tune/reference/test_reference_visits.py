"""Sharing a batch: every example is trained on once, by one process, in pieces of the right size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import IGNORE
from aftertune.tune.reference.visits import Share, loader


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 8), st.integers(1, 24))
def test_processes_share_a_batch(processes, per_process, micro, n):
    size = processes * per_process
    spec = TuneSpec(engine="reference", batch_size=size, processes=processes, micro_batch_size=micro)
    batch = list(range(min(n, size)))
    shares = [Share.of(spec, rank) for rank in range(processes)]
    pieces = [share.pieces(batch) for share in shares]
    assert [index for own in pieces for piece in own for index in piece] == batch
    assert {len(own) for own in pieces} == {shares[0].n_pieces}
    assert max(len(piece) for own in pieces for piece in own) <= micro


def test_an_empty_piece_teaches_nothing():
    rows = [{"input_ids": [1, 2, 3], "labels": [IGNORE, 2, 3]}, {"input_ids": [4, 5], "labels": [IGNORE, 5]}]
    made = list(loader([[1, 0], [1]], Share(1, 1, 1), rows, list))
    assert made == [[rows[0]], [{"input_ids": [1, 2, 3], "labels": [IGNORE] * 3}]]
