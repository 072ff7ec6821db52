"""The store keeps whole steps or nothing, whatever happens while one is written."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys

import pytest

from aftertune.errors import StoreError
from aftertune.store import FORMAT, Store, is_disk_full, write_text

KEY = "ab" + "0" * 62


def put(store: Store, key: str = KEY, text: str = "hello") -> None:
    with store.write("data", key, {"label": "a test"}) as draft:
        (draft.folder / "file.txt").write_text(text)
        (draft.folder / "sub").mkdir()
        (draft.folder / "sub" / "deep.txt").write_text("deep")
        draft.facts["n"] = 3


def test_round_trip(tmp_path):
    store = Store(tmp_path / "s")
    assert not store.has("data", KEY)
    put(store)
    assert Store(tmp_path / "s").has("data", KEY)
    manifest = store.manifest("data", KEY)
    assert manifest["facts"] == {"n": 3}
    assert sorted(manifest["files"]) == ["file.txt", "sub/deep.txt"]
    assert manifest["label"] == "a test"
    assert store.verify() == []


def test_a_failed_step_leaves_nothing(tmp_path):
    store = Store(tmp_path / "s")

    def fail_half_way():
        with store.write("data", KEY, {}) as draft:
            (draft.folder / "half.txt").write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail_half_way()
    assert not store.has("data", KEY)
    assert list((tmp_path / "s" / "tmp").iterdir()) == []


def test_first_writer_wins_and_the_second_is_no_error(tmp_path):
    store = Store(tmp_path / "s")
    with store.write("data", KEY, {}) as draft:
        (draft.folder / "file.txt").write_text("late")
        put(store, text="early")
    assert (store.folder("data", KEY) / "file.txt").read_text() == "early"
    assert list((tmp_path / "s" / "tmp").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "remove", "manifest"])
def test_a_damaged_step_is_set_aside(tmp_path, damage):
    store = Store(tmp_path / "s")
    put(store)
    folder = store.folder("data", KEY)
    if damage == "cut":
        (folder / "file.txt").write_text("hel")
    elif damage == "remove":
        (folder / "sub" / "deep.txt").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    assert not store.has("data", KEY)
    put(store)
    assert store.has("data", KEY)
    assert len(list((tmp_path / "s" / "damaged").iterdir())) == 1


def test_verify_finds_same_size_damage(tmp_path):
    store = Store(tmp_path / "s")
    put(store)
    (store.folder("data", KEY) / "file.txt").write_text("hellO")
    assert store.verify() == [store.folder("data", KEY)]


def test_newer_store_is_left_alone(tmp_path):
    Store(tmp_path / "s")
    mark = tmp_path / "s" / "aftertune-store.json"
    mark.write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(StoreError, match="newer aftertune") as caught:
        Store(tmp_path / "s")
    assert "upgrade" in caught.value.fix
    assert json.loads(mark.read_text()) == {"format": FORMAT + 1}


def test_some_other_folder_is_no_store(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="no aftertune store"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="is no store"):
        Store(tmp_path / "new", create=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]


def test_unreadable_mark(tmp_path):
    Store(tmp_path / "s")
    (tmp_path / "s" / "aftertune-store.json").write_text("nonsense")
    with pytest.raises(StoreError, match="unreadable"):
        Store(tmp_path / "s")


def test_sweep_removes_only_what_dead_processes_left(tmp_path):
    store = Store(tmp_path / "s")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = store._temporary(KEY)
    theirs = mine.with_name(mine.name.replace(f"~{os.getpid()}~", f"~{ended.pid}~"))
    elsewhere = mine.with_name("another-host~1~ab~cd")
    theirs.mkdir()
    elsewhere.mkdir()
    assert store.sweep() == 1
    assert mine.exists()
    assert elsewhere.exists()


def test_disk_full_while_writing(tmp_path):
    store = Store(tmp_path / "s")
    with pytest.raises(StoreError, match="no space left on the disk") as caught, store.write("data", KEY, {}):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.exit_code == 5
    assert "run the same command" in caught.value.fix
    assert not store.has("data", KEY)


def test_disk_full_is_seen_through_other_errors():
    outer = RuntimeError("serialisation failed")
    outer.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert is_disk_full(outer)
    assert is_disk_full(ValueError("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(ValueError("something else"))


def test_a_really_full_disk(tmp_path):
    """On a file system of its own with almost no room: nothing half-written, and usable afterwards."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        store = Store(small / "s")
        with pytest.raises(StoreError, match="no space left"):
            put(store, text="x" * 1_000_000)
        assert not store.has("data", KEY)
        put(store)
        assert store.has("data", KEY)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_write_text_replaces_or_leaves(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "one")
    write_text(target, "two")
    assert target.read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def _put_many(root, start):
    store = Store(root)
    for n in range(start, start + 20):
        key = f"{n % 10:064d}"
        if not store.has("data", key):
            put(store, key)


def test_two_processes_share_a_store(tmp_path):
    Store(tmp_path / "s")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_many, args=(tmp_path / "s", start)) for start in (0, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    store = Store(tmp_path / "s")
    assert all(store.has("data", f"{n:064d}") for n in range(10))
    assert store.verify() == []
