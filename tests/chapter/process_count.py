"""Programs that publish and read the number of processes in System V shared memory.

    python -m tests.chapter.process_count publish KEY
    python -m tests.chapter.process_count read KEY
    python -m tests.chapter.process_count scribble KEY

They share only the key, and the layout of the segment. `publish` counts again for each line that
it reads, and leaves the segment when it ends; `read` prints the newest value at once and again for
each line; `scribble` writes through a read-only attachment, and the kernel kills it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ipcbench.transports.contract import Mapping, Segment
from ipcbench.transports.latest.memory import NewestLayout, NewestMemory, publisher, reader
from ipcbench.transports.shm.kinds import SEGMENTS

LARGEST = 20  # bytes of a value: a number in decimal digits
LAYOUT = NewestLayout(LARGEST, 2)  # while one buffer is written, the other one can be read
SIZE = LAYOUT.bytes
SYSV = SEGMENTS["sysv"]


def running() -> int:
    return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())


def publish(key: str) -> None:
    segment = SYSV.create(SIZE, key)
    put = publisher(NewestMemory(segment.memory, LAYOUT), LARGEST)
    put(str(running()).encode())
    print("published", flush=True)
    for _ in sys.stdin:
        number = str(running())
        put(number.encode())
        print(number, flush=True)


def read(key: str) -> None:
    newest = reading(SYSV.open(key, mapping=Mapping.READ_ONLY))
    print(newest(), flush=True)
    for _ in sys.stdin:
        print(newest(), flush=True)


def reading(segment: Segment) -> Callable[[], str]:
    """Make the call that returns the newest value, also where there is none since the last call."""
    memory, buffer = NewestMemory(segment.memory, LAYOUT), memoryview(bytearray(LARGEST))
    read_into, _ = reader(memory, os.sched_yield)
    number, value = 0, ""

    def newest() -> str:
        nonlocal number, value
        while not value or number != memory.newest[0]:
            wanted = memory.newest[0]
            if length := read_into(buffer):
                number, value = wanted, bytes(buffer[:length]).decode()
        return value

    return newest


def scribble(key: str) -> None:
    segment = SYSV.open(key, mapping=Mapping.READ_ONLY)
    assert segment.memory.readonly  # Python would refuse, so write by address
    words = next(
        line for line in Path("/proc/self/maps").read_text().splitlines() if "SYSV" in line
    )
    print("writing", flush=True)
    ctypes.c_ubyte.from_address(int(words.split("-")[0], 16)).value = 1
    print("written", flush=True)


if __name__ == "__main__":
    {"publish": publish, "read": read, "scribble": scribble}[sys.argv[1]](sys.argv[2])
