"""Tests of the experiments of memory: what it keeps, how large it may be, and unsignalled reads."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from ipcbench.bench.experiments.children import ChildFailed
from ipcbench.bench.experiments.memory import (
    largest_segment,
    map_keeps,
    segment_life,
    sparse_segments,
    unsignalled_reads,
)
from ipcbench.bench.experiments.memory.sparse_segments import SPARSE, Refused
from ipcbench.bench.experiments.memory.unsignalled_reads import WITHOUT
from ipcbench.transports.contract import Mapping
from ipcbench.transports.kernel_objects.sysv_tables import rows
from tests.available import available

MIB = 1 << 20
SIZE = 3 * os.sysconf("SC_PAGE_SIZE") + 77  # of no other segment


class NoCounter:
    """A semaphore that waits for nothing."""

    def __init__(self, initial: int) -> None:
        self.notify: Callable[[], Any] = _nothing
        self.wait: Callable[[], Any] = _nothing

    def close(self) -> None:
        pass

    def unlink(self) -> None:
        pass


def _nothing() -> None:
    pass


def test_life_of_a_segment() -> None:
    for name in ("shm:sysv+futex", "shm:posix+futex"):
        available(name)
    found = segment_life.play().figures
    for kind in segment_life.KINDS:
        assert found[f"bytes kept after its creator, {kind}"] == segment_life.SIZE
        assert found[f"bytes kept after its removal, {kind}"] == segment_life.SIZE
        assert found[f"opened by name after its removal, {kind}"] == 0
    assert found["in the kernel after its removal, sysv"] == 1
    assert found["in the kernel after the last detach, sysv"] == 0


def test_a_segment_removed_too_early() -> None:
    for name in ("shm:sysv+futex", "shm:posix+futex"):
        available(name)
    found = segment_life.play(early=True).figures
    for kind in segment_life.KINDS:
        assert found[f"bytes kept after its creator, {kind}"] == 0
        assert found[f"bytes kept after its removal, {kind}"] == 0


def test_a_segment_that_is_not_removed() -> None:
    for name in ("shm:sysv+futex", "shm:posix+futex"):
        available(name)
    found = segment_life.play(lambda name: None).figures
    for kind in segment_life.KINDS:
        assert found[f"opened by name after its removal, {kind}"] == 1
    assert found["in the kernel after the last detach, sysv"] == 1


def test_a_map_keeps_what_was_stored_into_it() -> None:
    found = map_keeps.play()
    for writer in ("ended", "was killed"):
        assert found.figures[f"bytes kept after the writer {writer}"] == map_keeps.SIZE
    assert found.figures["bytes stored privately, in that map"] == map_keeps.SIZE
    assert found.figures["bytes stored privately, in the file"] == 0
    assert found.figures["bytes stored privately, in a shared map"] == 0
    assert found.texts["file system"] in ("a disk", "a tmpfs")
    assert [row["in the file"] for row in found.rows] == [map_keeps.SIZE, map_keeps.SIZE, 0]


def test_a_writer_that_fails_is_a_failure() -> None:
    """It has to be killed after it has written."""

    def fail() -> None:
        raise OSError("no map")

    with pytest.raises(ChildFailed, match="no map"):
        map_keeps._killed(fail)


def test_private_writers_keep_nothing() -> None:
    found = map_keeps.play(shared=Mapping.PRIVATE).figures
    for writer in ("ended", "was killed"):
        assert found[f"bytes kept after the writer {writer}"] == 0


def test_a_private_map_that_is_shared_is_found() -> None:
    found = map_keeps.play(private=Mapping.SHARED).figures
    assert found["bytes stored privately, in the file"] == map_keeps.SIZE
    assert found["bytes stored privately, in a shared map"] == map_keeps.SIZE


def test_largest_segment_of_this_machine() -> None:
    found = largest_segment.play()
    sparse = found.figures["largest sparse, MiB"]
    assert 0 < sparse <= found.figures["kernel.shmmax, MiB"]
    assert found.figures["largest with memory for all pages, MiB"] <= sparse
    assert set(found.texts) == {"bound sparse", "bound with memory for all pages"}
    half = found.figures["memory, MiB"] * MIB / 2
    assert not [row for row in rows("shm") if row.fields["size"] > half]


@pytest.mark.parametrize(
    ("call", "number", "bound"),
    [
        ("shmget(2)", errno.EINVAL, "kernel.shmmax"),
        ("shmget(2)", errno.ENOSPC, "kernel.shmall"),
        ("shmat(2)", errno.ENOMEM, "the address space"),
    ],
)
def test_each_bound_is_named(call: str, number: int, bound: str) -> None:
    """On a machine with that bound at 32 MiB, the figures say 32 MiB."""

    def have(size: int, flags: int) -> None:
        if size > 32 * MIB:
            raise Refused(call, number)

    found = largest_segment.play(have)
    for way in largest_segment.WAYS:
        assert found.figures[f"largest {way}, MiB"] == 32
        assert found.texts[f"bound {way}"] == bound


def test_half_of_the_memory_that_may_be_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """With strict overcommit, a larger segment takes memory from other programs."""
    asked: list[int] = []
    memory = {"CommitLimit": 10 * MIB, "Committed_AS": 2 * MIB, "MemTotal": 16 * MIB}
    monkeypatch.setattr(largest_segment, "meminfo", lambda: memory)
    monkeypatch.setattr(largest_segment, "sysctl", lambda name: 2)
    found = largest_segment.play(lambda size, flags: asked.append(size))
    assert max(asked) == 4 * MIB
    assert found.figures["largest sparse, MiB"] == 4
    assert "Committed_AS" in found.texts["bound sparse"]


def test_an_unexpected_refusal_is_an_error() -> None:
    def have(size: int, flags: int) -> None:
        raise Refused("shmget(2)", errno.EACCES)

    with pytest.raises(Refused):
        largest_segment.play(have)


@pytest.mark.parametrize("flags", [0, SPARSE])
def test_a_segment_that_is_had_leaves_nothing(flags: int) -> None:
    sparse_segments.have_segment(SIZE, flags)
    with pytest.raises(Refused) as refused:
        sparse_segments.have_segment(1 << 62, SPARSE)
    assert refused.value.call == "shmget(2)" or refused.value.errno == errno.ENOMEM
    assert not [row for row in rows("shm") if row.fields["size"] in (SIZE, 1 << 62)]


def test_reads_without_a_signal_and_with_semaphores() -> None:
    for name in ("posix-sem", "sysv-sem"):
        available(name)
    found = unsignalled_reads.play().figures
    assert found[f"values missed, {WITHOUT}"] > 0
    for name in ("posix-sem", "sysv-sem"):
        for what in ("values missed", "values read twice", "torn reads"):
            assert found[f"{what}, {name}"] == 0


def test_a_semaphore_that_does_not_wait_is_found() -> None:
    found = unsignalled_reads.play({"no semaphore": NoCounter}).figures
    wrong = ("values missed", "values read twice", "torn reads")
    assert sum(found[f"{what}, no semaphore"] for what in wrong) > 0
