"""Messages of several senders, compared as they arrive in any order between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.loops.payloads.pool import VALUES, compare, value_of


class Arrivals:
    """The messages that have arrived, of senders that each send the same number of them.

    A sender's messages have values that follow each other, from one of its own on (`start_of`). A
    message tells nothing but its value. Where two senders have a value in common, each of them may
    have sent it.

    Args:
        starts: the number of each sender's first message.
        count: the messages of a sender.
    """

    def __init__(self, starts: Sequence[int], count: int) -> None:
        self._firsts = Counter(value_of(start) for start in starts)
        self._sent = Counter(value_of(start + one) for start in starts for one in range(count))
        self._arrived: Counter[int] = Counter()

    def take(self, found: bytes | memoryview) -> None:
        """Compare the next message with those that can come now.

        Raises: Corrupt: it has two values, it was there before, or another one should come first.
        """
        value = found[0]
        if self._arrived[value] >= self._due(value):
            raise Corrupt(
                f"a message of {len(found)} bytes, written anew: byte 0 is {value:#04x}, and the "
                "next message of no sender has this value"
            )
        compare(found, value - 1)  # the first number of this value
        self._arrived[value] += 1

    def _due(self, value: int) -> int:
        """Return how many messages of a value can have been sent by now."""
        before = VALUES if value == 1 else value - 1
        return min(self._sent[value], self._firsts[value] + self._arrived[before])
