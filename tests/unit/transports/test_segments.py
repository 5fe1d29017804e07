"""Tests of segments of every kind: shared content, permissions, lifetime, and no leftovers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipcbench.transports.contract import Mapping, PeerGone, Sharing, Unavailable
from ipcbench.transports.kernel_objects import fresh_name
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.kinds import SEGMENTS
from ipcbench.transports.testing.leaks import kernel_objects, left_since, snapshot

SIZE = 5000  # no whole number of pages

Opener = Callable[..., OwnedSegment]


@pytest.fixture(params=sorted(SEGMENTS))
def kind(request: pytest.FixtureRequest) -> SegmentKind:
    found = SEGMENTS[request.param]
    reason = found.probe()
    if reason is not None:
        pytest.skip(reason.reason)
    return found


@pytest.fixture
def segment(kind: SegmentKind) -> Iterator[OwnedSegment]:
    before = snapshot()
    made = kind.create(SIZE, None)
    yield made
    made.close()
    made.close()
    made.unlink()
    made.unlink()
    assert left_since(before) == []


@pytest.fixture
def opened(kind: SegmentKind, segment: OwnedSegment) -> Iterator[Opener]:
    """Return a function that opens the segment once more, as another process would."""
    all_opened: list[OwnedSegment] = []

    def opener(mapping: Mapping = Mapping.SHARED) -> OwnedSegment:
        fd = None if segment.fd is None else os.dup(segment.fd)
        try:
            found = kind.open(segment.address, fd, mapping)
        except ValueError:
            if fd is not None:
                os.close(fd)
            raise
        all_opened.append(found)
        return found

    yield opener
    for one in all_opened:
        one.close()


def test_it_begins_as_zeros(segment: OwnedSegment) -> None:
    assert bytes(segment.memory[:SIZE]) == bytes(SIZE)
    assert not segment.memory.readonly


def test_writes_are_visible_to_all(segment: OwnedSegment, opened: Opener) -> None:
    other = opened()
    segment.memory[0], other.memory[SIZE - 1] = 1, 2
    assert (other.memory[0], segment.memory[SIZE - 1]) == (1, 2)


def test_it_is_private_to_its_user(segment: OwnedSegment) -> None:
    found = segment.stat()
    assert (found.size, found.mode, found.owner) == (SIZE, 0o600, os.getuid())
    segment.set_mode(0o400)
    assert segment.stat().mode == 0o400
    segment.set_mode(0o600)


def test_read_only(kind: SegmentKind, segment: OwnedSegment, opened: Opener) -> None:
    if kind.name == "mp":
        with pytest.raises(ValueError):
            opened(Mapping.READ_ONLY)
        return
    other = opened(Mapping.READ_ONLY)
    segment.memory[0] = 3
    assert other.memory[0] == 3
    with pytest.raises(TypeError):
        other.memory[0] = 4


def test_private(kind: SegmentKind, segment: OwnedSegment, opened: Opener) -> None:
    if kind.name in ("mp", "sysv"):
        with pytest.raises(ValueError):
            opened(Mapping.PRIVATE)
        return
    other = opened(Mapping.PRIVATE)
    other.memory[0] = 5
    assert (segment.memory[0], other.memory[0]) == (0, 5)


def test_growing(kind: SegmentKind, segment: OwnedSegment, opened: Opener) -> None:
    if kind.name in ("mp", "sysv"):
        with pytest.raises(Unavailable):
            segment.resize(2 * SIZE)
        return
    segment.memory[0] = 6
    segment.resize(2 * SIZE)
    assert len(segment.memory) == len(opened().memory) == segment.stat().size == 2 * SIZE
    assert segment.memory[0] == 6
    with pytest.raises(ValueError):
        segment.resize(SIZE)
    view = segment.memory[:1]
    with pytest.raises(BufferError):
        segment.resize(3 * SIZE)
    assert view[0] == 6
    view.release()
    assert segment.memory[0] == 6


def test_a_view_outlives_the_closing(kind: SegmentKind) -> None:
    """A binding that unmapped the memory under a view would cause a SIGSEGV."""
    segment = kind.create(SIZE, None)
    view = segment.memory[8:16].cast("Q")
    segment.close()
    view[0] = 7
    assert view[0] == 7
    view.release()
    segment.close()
    segment.unlink()


def test_it_outlives_its_creator(kind: SegmentKind, segment: OwnedSegment, opened: Opener) -> None:
    segment.memory[0] = 8
    other = opened()
    segment.close()
    assert other.memory[0] == 8


def test_a_removed_segment(kind: SegmentKind, segment: OwnedSegment, opened: Opener) -> None:
    if kind.sharing is not Sharing.NAME:
        pytest.skip("it has no name")
    other = opened()
    segment.unlink()
    with pytest.raises(PeerGone):
        opened()
    other.memory[0] = 9  # an open segment stays usable
    assert segment.memory[0] == 9


def test_a_name_that_is_taken(kind: SegmentKind, segment: OwnedSegment) -> None:
    if kind.sharing is not Sharing.NAME:
        pytest.skip("it has no name")
    segment.memory[0] = 10
    with pytest.raises(FileExistsError):
        kind.create(SIZE, str(segment.address))
    assert segment.memory[0] == 10


@pytest.mark.parametrize("name", ["posix", "mp", "tmpfs"])
def test_not_enough_memory(name: str) -> None:
    """`create` raises Unavailable and leaves nothing; the first access would raise SIGBUS.

    Files on a disk are left out: the attempt would fill the disk for a moment.
    """
    kind = SEGMENTS[name]
    capacity: Any = kind.capacity()
    before = set(kernel_objects())
    with pytest.raises(Unavailable):
        kind.create(2 * capacity.value, None)
    assert left_since(before, lambda: set(kernel_objects())) == []


def test_a_file_on_the_wrong_file_system_is_refused(tmp_path: Path) -> None:
    file, tmpfs = SEGMENTS["file"], SEGMENTS["tmpfs"]
    with pytest.raises(ValueError, match="not a disk"):
        file.create(1, f"/dev/shm/{fresh_name()}")
    for name in ("nothing", "0", str(2**31)):
        with pytest.raises(ValueError):
            SEGMENTS["sysv"].create(1, name)
    assert not isinstance(tmpfs.capacity(), Unavailable)
