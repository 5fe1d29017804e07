"""ipcbench.bench.workers.block_runner: the message that a process brings into its loops."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import pytest

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.messages import END_MARK
from ipcbench.bench.patterns import stream
from ipcbench.bench.patterns.part import Seat
from ipcbench.bench.workers.block_runner import BlockRunner
from ipcbench.transports.base import PlainEndpoint
from ipcbench.transports.contract import Role
from ipcbench.transports.shm.in_place import ABSENT

SIZE = 32 << 20


class _Endpoint(PlainEndpoint):
    depth = None

    def send(self, data: object, /) -> None: ...

    def recv_into(self, buffer: memoryview, /) -> int:
        return 0

    def close(self) -> None: ...


def _runner(size: int, native: bool) -> BlockRunner:
    seat = Seat(0, Role.CLIENT, 0, stream.SENDER)
    variable = memoryview(bytearray(8))
    return BlockRunner(_Endpoint(), seat, size, RealClock(), variable, native=native)


def _resident() -> int:
    """Return the bytes of anonymous memory; the kernel's page of zeros is not counted."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no RssAnon: proc_pid_status(5)")


both = pytest.mark.parametrize("native", [False, True], ids=["python", "native"])


@both
def test_a_message_lies_in_memory_of_its_own(native: bool) -> None:
    """Unwritten memory is one cached page of zeros: a third too quick at 1 MiB."""
    before = _resident()
    message = _runner(SIZE, native).message
    assert crc32(message)  # every byte is read, as `send` reads it
    assert _resident() - before > 0.9 * SIZE


@both
def test_a_message_holds_no_byte_that_means_something(native: bool) -> None:
    message = bytes(_runner(4096, native).message)
    assert message[0] != END_MARK
    assert ABSENT not in message
