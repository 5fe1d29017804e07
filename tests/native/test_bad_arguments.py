"""Invalid arguments of the builders and of the loops are refused.

Each call has a process of its own: without the check it could crash.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from ipcbench.transports.native import built

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

GIVEN = """
from array import array
import ipcbench.bench.loops.native_loops as native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.transports.native import WaitPolicy, native_of, operations
from ipcbench.transports.null import NullEndpoint

o, memory, policy = operations, bytearray(4096), WaitPolicy()
waiter = o.eventfd(0, policy)

def counted(size, depth):
    return o.counted_ring(None, memory, size, depth, (), ((0, waiter, waiter, 0),), 0, 0)

def ring(size, depth, own=(0, None), other=(128, None)):
    return o.ring(None, memory, size, depth, (), ((256, other),), 0, 0, own, policy)

def stamped(count):
    end = native_of(NullEndpoint())
    message, buffer, stamps = aligned_buffer(64), aligned_buffer(64), array("q", [0] * 10)
    native_loops.compiled.stamped_ping(end.capsule, message, buffer, count, stamps)

try:
    for _ in range(2000):
        {call}
except {error} as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("call", "error", "line"),
    [
        (
            "o.pipes(None, (-1, -1), (), 64, 1, 3, policy, 0)",
            "ValueError",
            "-1 is not a descriptor",
        ),
        (
            "o.pipes(None, (), (2**32 + 1,), 64, 0, -1, policy, 0)",
            "ValueError",
            "is not a descriptor",
        ),
        (
            "o.pipes(None, ('x', 3), (), 64, 1, 3, policy, 0)",
            "ValueError",
            "'x' is not a descriptor",
        ),
        ("o.pipes(None, (3, 4), (), 64, 1, -1, policy, 0)", "ValueError", "no epoll(7) descriptor"),
        ("o.posix_queues(None, (), (), -1, 0, -1, policy, 0)", "ValueError", "is not negative"),
        ("o.sysv_queue(None, 1, 1, -66, 1, 1, policy, 0)", "ValueError", "is not negative"),
        ("counted(2**60 - 64, 16)", "ValueError", "16 slots of"),
        ("counted(0, 2**61)", "ValueError", "2305843009213693952 slots of 0 bytes"),
        ("ring(2**60 - 64, 16)", "ValueError", "no message of a ring"),
        ("ring(2**39, 2**23)", "ValueError", "8388608 slots of"),
        ("ring(64, 16, own=(4096, None))", "ValueError", "4 bytes from 4096 on are not in"),
        ("ring(64, 16, other=(-64, None))", "ValueError", "4 bytes from -64 on are not in"),
        ("ring(64, 16, own=(2, None))", "ValueError", "4 bytes from 2 on are not in"),
        ("ring(64, 16, own=(0, policy))", "ValueError", "PyCapsule_GetPointer"),
        ("ring(64, 16, other=(0, memory))", "ValueError", "PyCapsule_GetPointer"),
        ("o.lane_bytes(2**60, 16)", "OverflowError", "no segment has 16 slots"),
        ("o.lane_bytes(-1, 16)", "OverflowError", "no segment has 16 slots"),
        ("o.memfd_passed(None, -1, 3, 64, 8, 0, policy)", "ValueError", "descriptors -1 and 3"),
        ("o.memfd_passed(None, 3, 3, 64, 257, 0, policy)", "ValueError", "257 slots"),
        ("o.memfd_pool(None, 3, 3, 64, (), (), 0, policy)", "ValueError", "0 slots"),
        (
            "o.memfd_pool(None, 3, 3, 4097, (memory,), (memory,), 0, policy)",
            "ValueError",
            "a slot of 4096 bytes for messages of 4097",
        ),
        ("o.process_vm(None, 3, -1, 1, 64, policy)", "ValueError", "descriptors 3 and -1"),
        ("o.vmsplice(None, 3, 3, -1, 3, 64, policy)", "ValueError", "no pipes"),
        ("o.file_access(None, 3, memory, 4097, 2)", "ValueError", "the map is shorter"),
        ("o.file_access(None, 3, b'', 0, 2)", "BufferError", "not writable"),
        ("o.file_access(None, 3, None, 64, 2)", "ValueError", "no such way of access"),
        ("o.file_access(None, 3, memory, 64, 0)", "ValueError", "no such way of access"),
        ("o.file_access(None, 3, None, 64, 4)", "ValueError", "no such way of access"),
        ("o.newest(None, memory, 64, 0, 1, policy)", "ValueError", "1 buffer or more"),
        ("o.newest(None, memory, 0, 1, 1, policy)", "ValueError", "1 byte or more"),
        ("o.newest(None, memory, 2**62, 4, 0, policy)", "ValueError", "are not in a segment"),
        ("o.newest(None, memory, 64, 2**60, 0, policy)", "ValueError", "are not in a segment"),
        ("o.newest(None, memory, 4096, 1, 1, policy)", "ValueError", "are not in a segment"),
        ("o.newest(None, b'', 64, 1, 1, policy)", "BufferError", "not writable"),
        ("o.word_signal(None, memory, 4, 16, policy)", "ValueError", "not aligned"),
        ("o.MemoryWaiter('lock', memory, 1, policy)", "ValueError", "no waiter in memory called"),
        ("o.MemoryWaiter('spin-lock', b'', 1, policy)", "BufferError", "not writable"),
        ("o.MemoryWaiter('spin-lock', bytearray(2), 1, policy)", "ValueError", "takes 4 bytes"),
        (
            "o.MemoryWaiter('futex-mutex', memoryview(memory)[4:], 1, policy)",
            "ValueError",
            "aligned",
        ),
        ("o.MemoryWaiter('pthread-cond', memory, 2**64, policy)", "OverflowError", "too large"),
        ("stamped(8)", "ValueError", "more than loops"),
        ("stamped(-(2**63))", "ValueError", "a count of less than 0"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_impossible_arguments_are_refused(call: str, error: str, line: str) -> None:
    script = GIVEN.replace("{call}", call).replace("{error}", error)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert line in done.stdout
