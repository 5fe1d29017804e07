"""Tests of segments in huge pages: allocated at creation, or refused with a remedy."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import PAGESIZE
from pathlib import Path

import pytest

from ipcbench.transports.contract import Limit, Limits, Mapping, PeerGone, Unavailable
from ipcbench.transports.kernel_objects import fresh_key
from ipcbench.transports.registry import get
from ipcbench.transports.segments.huge_pages import Pages
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.kinds import IN_HUGE_PAGES
from ipcbench.transports.testing.leaks import left_since, snapshot
from tests.huge_pages import none_free, set_aside

ROOT = Path(__file__).parents[3]

try:
    Pages.now()
except Unavailable as none:
    pytest.skip(str(none), allow_module_level=True)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = snapshot()
    yield
    assert left_since(before) == []


@pytest.fixture(params=sorted(IN_HUGE_PAGES))
def kind(request: pytest.FixtureRequest) -> SegmentKind:
    return IN_HUGE_PAGES[request.param]


@pytest.fixture
def available(huge_pages: None, kind: SegmentKind) -> SegmentKind:
    reason = kind.probe()
    if reason is not None:
        pytest.skip(f"{reason.reason} ({reason.remedy})")
    return kind


@contextmanager
def made(kind: SegmentKind, size: int, name: str | None = None) -> Iterator[OwnedSegment]:
    segment = kind.create(size, name)
    try:
        yield segment
    finally:
        segment.close()
        segment.unlink()


@contextmanager
def opened(kind: SegmentKind, segment: OwnedSegment) -> Iterator[OwnedSegment]:
    fd = None if segment.fd is None else os.dup(segment.fd)
    other = kind.open(segment.address, fd)
    try:
        yield other
    finally:
        other.close()


def kernel_pages() -> set[tuple[int, int]]:
    """Read (begin, page size) of each mapping of this process: proc_pid_smaps(5)."""
    found, begin = set(), 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if "-" in first and not first.endswith(":"):
            begin = int(first.partition("-")[0], 16)
        elif first == "KernelPageSize:":
            found.add((begin, int(rest.split()[0]) * 1024))
    return found


def test_its_pages_are_huge(available: SegmentKind) -> None:
    size, before = Pages.now().size, kernel_pages()
    with made(available, 1, None) as segment:
        assert len(segment.memory) == segment.stat().size == size
        new = [pages for _, pages in kernel_pages() - before if pages != PAGESIZE]
        assert new == [size]
        assert not any(segment.memory)


def test_writes_are_visible_to_all(available: SegmentKind) -> None:
    size = Pages.now().size
    with made(available, size + 1) as segment, opened(available, segment) as other:
        assert len(other.memory) == len(segment.memory) == 2 * size
        segment.memory[0], other.memory[2 * size - 1] = 1, 2
        assert (other.memory[0], segment.memory[2 * size - 1]) == (1, 2)
        assert segment.stat().mode == 0o600


def test_it_grows_by_whole_pages(huge_pages: None) -> None:
    kind, size = IN_HUGE_PAGES["memfd"], Pages.now().size
    if Pages.now().free < 2:
        pytest.skip("there are not two huge pages (sysctl -w vm.nr_hugepages=2)")
    with made(kind, 1) as segment:
        segment.memory[size - 1] = 6
        segment.resize(size + 1)
        assert len(segment.memory) == segment.stat().size == 2 * size
        assert segment.memory[size - 1] == 6


def allocated(segment: OwnedSegment) -> int:
    """Return the allocated bytes: inode(7), or, in its creator, proc_pid_smaps(5)."""
    if segment.fd is not None:
        return os.fstat(segment.fd).st_blocks * 512
    lines = Path("/proc/self/smaps").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if "_Hugetlb:" in line) * 1024


def test_all_pages_are_allocated_at_creation(available: SegmentKind) -> None:
    """A page that were allocated at its first access could raise SIGBUS there."""
    size = 2 * Pages.now().size
    with made(available, size) as segment:
        assert allocated(segment) == size


def test_a_private_mapping_is_refused(available: SegmentKind) -> None:
    with made(available, 1) as segment:
        fd = None if segment.fd is None else os.dup(segment.fd)
        try:
            with pytest.raises(ValueError):
                available.open(segment.address, fd, Mapping.PRIVATE)
        finally:
            if fd is not None:
                os.close(fd)


def test_a_key_in_use_and_a_removed_one(huge_pages: None) -> None:
    kind = IN_HUGE_PAGES["sysv"]
    reason = kind.probe()
    if reason is not None:
        pytest.skip(f"{reason.reason} ({reason.remedy})")
    key = str(fresh_key())
    with made(kind, 1, key) as segment:
        segment.memory[0] = 7
        with pytest.raises(FileExistsError):
            kind.create(1, key)
        assert segment.memory[0] == 7
    with pytest.raises(PeerGone):
        kind.open(key)


# Missing huge pages.


def test_none_is_free(kind: SegmentKind) -> None:
    transport = get(f"shm:{kind.name}+posix-sem/huge")
    with none_free():
        found = (kind.probe(), kind.capacity(), transport.probe())
        total = Pages.now().total
        with pytest.raises(Unavailable) as caught:
            kind.create(1, None)
    for one in (*found, caught.value):
        assert isinstance(one, Unavailable)
        assert one.reason == f"no huge page is free, of vm.nr_hugepages = {total}"
        assert one.remedy.startswith("sysctl -w vm.nr_hugepages=")
        assert int(one.remedy.partition("=")[2]) > total


def test_more_than_are_free(available: SegmentKind) -> None:
    pages = Pages.now()
    with pytest.raises(Unavailable) as caught:
        available.create((pages.free + 64) * pages.size, None)
    found = re.search(r"it needs (\d+) huge pages, and (\d+) are free", caught.value.reason)
    assert found is not None and int(found[1]) == pages.free + 64
    assert re.fullmatch(r"sysctl -w vm\.nr_hugepages=\d+", caught.value.remedy)


def test_a_message_is_bounded_by_the_free_pages(available: SegmentKind) -> None:
    found = get(f"shm:{available.name}+posix-sem/huge").probe()
    assert isinstance(found, Limits)
    capacity = available.capacity()
    assert isinstance(capacity, Limit)
    assert found.message.value is not None and capacity.value is not None
    assert found.message.value < capacity.value <= Pages.now().free * Pages.now().size
    assert found.message.source == "HugePages_Free, proc_meminfo(5)"


# Reservation of huge pages for the tests.


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_reservation_is_given_back(tmp_path: Path, end: str) -> None:
    """Only its own pages, even if the number was changed meanwhile; also after a kill."""
    setting = tmp_path / "nr_hugepages"
    setting.write_text("3\n")
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom tests.huge_pages import set_aside\n"
        f"setting = Path({str(setting)!r})\n"
        "with set_aside(5, setting) as had:\n"
        "    assert (had, int(setting.read_text())) == (5, 8)\n"
        f"    setting.write_text('10\\n')\n    {end}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == (-signal.SIGKILL if end else 0)
    while int(setting.read_text()) != 5:  # the watchdog is the limit
        time.sleep(0.01)


def test_no_page_can_be_reserved(tmp_path: Path) -> None:
    with set_aside(5, tmp_path / "nothing") as had:
        assert had == 0
