"""Tests of transfer in place: `peek` and `loan`, and a `recv_into` that does not copy."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from ipcbench.transports.contract import Closed, MessageTooLarge, Topology
from ipcbench.transports.testing.actors import CALL_LIMIT
from ipcbench.transports.testing.participants import (
    Seat,
    fill,
    numbered,
    receive,
    seats,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject

LARGE = 4 * 1024 * 1024  # several pages, even of huge ones

_UNTOUCHED = 0xA5


def scan(seat: Seat) -> tuple[int, bool]:
    """Return the result of `recv_into`, and True if the buffer is unchanged."""
    before = bytes([_UNTOUCHED]) * seat.size
    buffer = bytearray(before)
    received = seat.endpoint.recv_into(memoryview(buffer))
    return received, buffer == before


def peek(seat: Seat) -> bytes:
    with seat.calls.peek() as message:
        found = bytes(message)
    seat.calls.release()
    return found


def lend(seat: Seat, *messages: bytes) -> None:
    """Write each message into its slot; the loan is larger than a short message."""
    endpoint = seat.calls
    for message in messages:
        wanted = (len(message) + seat.size + 1) // 2
        with endpoint.loan(wanted) as slot:
            assert len(slot) == wanted
            slot[: len(message)] = message
        endpoint.commit(len(message))


def lend_wrongly(seat: Seat) -> None:
    """Check that bytes which are not lent cannot be committed, without any effect."""
    endpoint = seat.calls
    with pytest.raises(ValueError, match="not lent"):
        endpoint.commit(0)
    with pytest.raises(MessageTooLarge):
        endpoint.loan(seat.size + 1)
    with pytest.raises(ValueError):
        endpoint.loan(-1)
    slot = endpoint.loan(4)
    with pytest.raises(ValueError, match="committed first"):
        endpoint.loan(4)
    for size in (-1, 5, 1 << 40):
        with pytest.raises(ValueError, match="not lent"):
            endpoint.commit(size)
    slot[:] = b"once"
    endpoint.commit(4)
    with pytest.raises(ValueError, match="not lent"):
        endpoint.commit(0)


def read_after_close(seat: Seat) -> bytes:
    """Return the bytes of a slot after its endpoint was closed and deleted."""
    endpoint = seat.calls
    seen = endpoint.peek()
    del endpoint
    close_for_good(seat)
    return bytes(seen)


def write_after_close(seat: Seat, message: bytes) -> bytes:
    """Write to a lent slot after its endpoint was closed and deleted; return its bytes."""
    endpoint = seat.calls
    lent = endpoint.loan(len(message))
    del endpoint
    close_for_good(seat)
    lent[:] = message
    return bytes(lent)


def close_for_good(seat: Seat) -> None:
    endpoint = seat.calls
    endpoint.close()
    for call in (endpoint.peek, endpoint.release):
        with pytest.raises(Closed):
            call()
    for call in (endpoint.loan, endpoint.commit):
        with pytest.raises(Closed):
            call(1)
    del seat.endpoint, endpoint
    gc.collect()


def scan_short(seat: Seat) -> int:
    return seat.endpoint.recv_into(memoryview(bytearray(TYPICAL // 2)))


def mapped_by_scanning(seat: Seat) -> int:
    """Count the bytes of shared memory that a scan brings into this process's page tables.

    Where the slot is unmapped with its release, they are found in the peak of what is resident.
    """
    buffer = memoryview(bytearray(b"\x01") * seat.size)
    with suppress(OSError):  # a kernel without the file has only the first of both counts
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM: proc_pid_clear_refs(5)
    before, all_before = _resident(_SHARED), _resident(("VmRSS",))
    seat.endpoint.recv_into(buffer)
    return max(_resident(_SHARED) - before, _resident(("VmHWM",)) - all_before)


_SHARED = ("RssFile", "RssShmem", "HugetlbPages")


def _resident(kinds: tuple[str, ...]) -> int:
    """Add up resident bytes of these kinds: proc_pid_status(5)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(kinds)]
    return sum(kilobytes) * 1024


class InPlaceTests:
    """Tests of messages that are read and written in their slots."""

    def test_calls_of_an_end_that_is_not_connected(self, reader: Subject) -> None:
        """They are there from the beginning: a caller chooses by them how it sends and receives."""
        spec = reader.spec(Topology.LINK)
        with reader.channel(spec) as channel, ExitStack() as stack:
            ends = []
            for role, index in seats(spec):
                ticket = channel.ticket(role, index)
                ends.append(reader.transport.attach(ticket, time.monotonic() + CALL_LIMIT))
                stack.callback(ends[-1].close)
            calls = ("loan", "commit", "peek", "release")
            assert all(callable(getattr(end, call)) for end in ends for call in calls)

    def test_scanning_and_peeking(self, reader: Subject) -> None:
        """Both release the slot, in any order, and the buffer stays unchanged."""
        spec_depth = 2
        lengths = [TYPICAL, 1, TYPICAL - 1, 17]
        with reader.participants(Topology.LINK, depth=spec_depth) as participants:
            client, server = participants.actors
            for turn in range(12):
                message = numbered(turn, lengths[turn % 4])
                client.do(send, message)
                if turn % 3:
                    assert server.do(scan) == (len(message), True)
                else:
                    assert server.do(peek) == message

    def test_writing_where_it_is_read(self, reader: Subject) -> None:
        """A message lent and committed arrives like any other, mixed with others or alone."""
        lengths = [TYPICAL, 0, 1, TYPICAL - 1, 17]
        with reader.participants(Topology.LINK, depth=2) as participants:
            client, server = participants.actors
            for turn in range(20):
                length = lengths[turn % len(lengths)]
                message = numbered(turn, length)
                client.do(send if turn % 3 == 2 else lend, message)
                if turn % 2:
                    assert server.do(scan) == (length, True)
                else:
                    assert server.do(peek) == message
            some = [numbered(turn, TYPICAL) for turn in range(9)]
            client.begin(lend, *some)
            assert server.do(receive, len(some)) == some
            client.answer()
            server.begin(lend, *some)
            assert client.do(receive, len(some)) == some

    def test_lending_until_it_is_full(self, reader: Subject) -> None:
        """A free slot is lent; without one, `nowait` raises WouldBlock."""
        with reader.participants(Topology.LINK, depth=3, nowait=True) as participants:
            client, server = participants.actors
            assert client.do(fill, lend) == 3
            for number in range(3):
                assert server.do(peek) == numbered(number, TYPICAL)
            assert client.do(fill, lend) == 3

    def test_lending_waits_for_a_free_slot(self, reader: Subject) -> None:
        with reader.participants(Topology.LINK, depth=1) as participants:
            client, server = participants.actors
            client.do(lend, b"first")
            client.begin(lend, b"second")
            assert client.waits(0.05)
            assert server.do(receive, 2) == [b"first", b"second"]
            client.answer()

    def test_committing_what_is_not_lent(self, reader: Subject) -> None:
        with reader.participants(Topology.LINK, depth=1) as participants:
            client, server = participants.actors
            client.do(lend_wrongly)
            assert server.do(receive) == [b"once"]
            client.do(lend, b"more")
            assert server.do(receive) == [b"more"]

    def test_views_after_close(self, reader: Subject) -> None:
        """A view that is kept for too long still shows the bytes, and does no harm."""
        message = numbered(1, TYPICAL)
        with reader.participants(Topology.LINK) as participants:
            client, server = participants.actors
            client.do(send, message)
            assert server.do(read_after_close) == message
            assert client.do(write_after_close, message) == message

    def test_scanning_reads_all_of_it(self, reader: Subject) -> None:
        """Every page is read, also where the scan finds the byte that it searches."""
        size = min(LARGE, reader.limit(Topology.LINK) or LARGE)
        for message in (bytes(size), b"\xff" * size):
            with reader.participants(Topology.LINK, size, depth=1) as participants:
                client, server = participants.actors
                client.begin(send, message)
                assert server.do(mapped_by_scanning) > 0.9 * size
                client.answer()

    def test_scanning_into_too_small_a_buffer(self, reader: Subject) -> None:
        """Only that message is lost, as if it were copied."""
        with reader.participants(Topology.LINK) as participants:
            client, server = participants.actors
            client.do(send, numbered(1, TYPICAL), b"next")
            with pytest.raises(MessageTooLarge):
                server.do(scan_short)
            assert server.do(peek) == b"next"
