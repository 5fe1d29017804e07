"""Programs that publish and read the number of processes in System V shared memory.

    python -m tests.chapter.process_count publish KEY
    python -m tests.chapter.process_count read KEY
    python -m tests.chapter.process_count scribble KEY

They share only the key. `publish` counts again for each line that it reads, and leaves the
segment when it ends; `read` prints the newest value at once and again for each line;
`scribble` writes through a read-only attachment, and the kernel kills it.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

from ipcbench.transports.contract import Mapping
from ipcbench.transports.shm.kinds import SEGMENTS
from ipcbench.transports.shm.latest import LatestValue

SIZE = 128
SYSV = SEGMENTS["sysv"]


def running() -> int:
    return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())


def publish(key: str) -> None:
    segment = SYSV.create(SIZE, key)
    latest = LatestValue(segment)
    latest.publish(str(running()).encode())
    print("published", flush=True)
    for _ in sys.stdin:
        number = str(running())
        latest.publish(number.encode())
        print(number, flush=True)
    latest.close()
    segment.close()


def read(key: str) -> None:
    segment = SYSV.open(key, mapping=Mapping.READ_ONLY)
    latest = LatestValue(segment)
    print(latest.read(time.monotonic() + 5).decode(), flush=True)
    for _ in sys.stdin:
        print(latest.read(time.monotonic() + 5).decode(), flush=True)
    latest.close()
    segment.close()


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
