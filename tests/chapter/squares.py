"""Programs that fill a mapped file with squares and read them at any later time.

    python -m tests.chapter.squares fill PATH COUNT
    python -m tests.chapter.squares print PATH
    python -m tests.chapter.squares waste PATH

The last number is followed by the end mark. `waste` overwrites all of it through
a private map.
"""

from __future__ import annotations

import sys

from ipcbench.transports.contract import Mapping
from ipcbench.transports.shm.kinds import SEGMENTS

FILE = SEGMENTS["file"]
END = 2**64 - 1  # which is no square


def fill(path: str, count: str) -> None:
    segment = FILE.create(8 * (int(count) + 1), path)
    with segment.memory.cast("Q") as numbers:
        for number in range(int(count)):
            numbers[number] = number * number
        numbers[int(count)] = END
    segment.close()


def show(path: str) -> None:
    segment = FILE.open(path, mapping=Mapping.READ_ONLY)
    with segment.memory.cast("Q") as numbers:
        for number in numbers:
            if number == END:
                break
            print(number)
    segment.close()


def waste(path: str) -> None:
    segment = FILE.open(path, mapping=Mapping.PRIVATE)
    with segment.memory.cast("Q") as numbers:
        for place in range(len(numbers)):
            numbers[place] = 7
        print(sum(numbers) == 7 * len(numbers))
    segment.close()


if __name__ == "__main__":
    {"fill": fill, "print": show, "waste": waste}[sys.argv[1]](*sys.argv[2:])
