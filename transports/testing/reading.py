"""Reading in place: what `peek` shows, and that `recv_into` reads all of it, and copies nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from transports.contract import MessageTooLarge, Topology
from transports.testing.crew import Seat, numbered, send
from transports.testing.stage import TYPICAL, Stage

LARGE = 4 * 1024 * 1024  # several pages, were they huge ones

_UNTOUCHED = 0xA5


def scan(seat: Seat) -> tuple[int, bool]:
    """What `recv_into` returned, and whether it left the buffer as it was."""
    before = bytes([_UNTOUCHED]) * seat.size
    buffer = bytearray(before)
    received = seat.endpoint.recv_into(memoryview(buffer))
    return received, buffer == before


def peek(seat: Seat) -> bytes:
    endpoint: object = seat.endpoint
    with endpoint.peek() as message:  # type: ignore[attr-defined]
        found = bytes(message)
    endpoint.release()  # type: ignore[attr-defined]
    return found


def scan_short(seat: Seat) -> int:
    return seat.endpoint.recv_into(memoryview(bytearray(TYPICAL // 2)))


def mapped_by_scanning(seat: Seat) -> int:
    """Bytes of shared memory that came into this process's page tables meanwhile."""
    before = _shared()
    scan(seat)
    return _shared() - before


def _shared() -> int:
    """proc_pid_status(5): pages of files and of shared memory, which reading brings in."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kinds = ("RssFile", "RssShmem", "HugetlbPages")
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(kinds)]
    return sum(kilobytes) * 1024


class ReadingTests:
    def test_scanning_and_peeking(self, reader: Stage) -> None:
        """In any order; the slot is given back either way, and the buffer stays as it was."""
        spec_depth = 2
        lengths = [TYPICAL, 1, TYPICAL - 1, 17]
        with reader.crew(Topology.LINK, depth=spec_depth) as crew:
            client, server = crew.actors
            for turn in range(12):
                message = numbered(turn, lengths[turn % 4])
                client.do(send, message)
                if turn % 3:
                    assert server.do(scan) == (len(message), True)
                else:
                    assert server.do(peek) == message

    def test_scanning_reads_all_of_it(self, reader: Stage) -> None:
        """Every page is looked at, whatever bytes there are: a scan stops at what it looks for."""
        size = min(LARGE, reader.limit(Topology.LINK) or LARGE)
        for fill in (bytes(size), b"\xff" * size):
            with reader.crew(Topology.LINK, size, depth=1) as crew:
                client, server = crew.actors
                client.begin(send, fill)
                assert server.do(mapped_by_scanning) > 0.9 * size
                client.answer()

    def test_scanning_into_too_small_a_buffer(self, reader: Stage) -> None:
        """As if it were to be copied: that message is lost, and it alone."""
        with reader.crew(Topology.LINK) as crew:
            client, server = crew.actors
            client.do(send, numbered(1, TYPICAL), b"next")
            with pytest.raises(MessageTooLarge):
                server.do(scan_short)
            assert server.do(peek) == b"next"
