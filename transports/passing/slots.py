"""Slots of a direction: the sender takes one for a message, the receiver's answer gives it back.

An answer is a byte, the slot's number. The sender reads answers when no slot is free, and takes
the slots in turn. An answer for a slot that is not taken is ignored.
"""

from __future__ import annotations

import socket
from collections import deque

from ipcbench.transports.base import set_kernel
from ipcbench.transports.base.memory import free_memory
from ipcbench.transports.contract import Limit, Limits, Need, Spec, Unavailable
from ipcbench.transports.passing.link import new_pair, packets_of

DEPTH = 8  # slots of a direction, as many as buffers of fresh payload

# Bytes of SO_SNDBUF for a packet of a few bytes, at most: a sk_buff and its data.
_PACKET = 1024
_MOST = 256  # an answer is one byte


class Slots:
    """The sender's slots."""

    def __init__(self, connection: socket.socket, depth: int, spec: Spec) -> None:
        self._free = deque(range(depth))
        self._taken = [False] * depth
        self._answer = memoryview(bytearray(2))
        self._receive = packets_of(connection, "send", spec)

    def take(self) -> int:
        """Take the next free slot; wait for one. Raises: WouldBlock, PeerGone, Closed."""
        while not self._free:
            self._read()
        slot = self._free.popleft()
        self._taken[slot] = True
        return slot

    def _read(self) -> None:
        length, slot = self._receive(self._answer), self._answer[0]
        if length == 1 and slot < len(self._taken) and self._taken[slot]:
            self._taken[slot] = False
            self._free.append(slot)

    def restore(self, slot: int) -> None:
        """Give back a slot whose message was not sent."""
        self._taken[slot] = False
        self._free.appendleft(slot)


def depth_of(spec: Spec) -> int:
    """Return the slots of a direction."""
    return DEPTH if spec.depth is None else spec.depth


def limits() -> Limits:
    """Return the bound of a message: the memory of all slots of both directions."""
    free, most = free_memory("memory"), _packets()
    return Limits(
        message=Limit(
            "message",
            None if free.value is None else free.value // (2 * DEPTH),
            free.source,
            free.remedy,
            lambda need: free.remedy_for(Need(2 * (need.depth or DEPTH) * need.size)),
        ),
        others=(free,),
        depth=Limit(
            "depth",
            min(_MOST, most),
            "an answer is one byte" if most >= _MOST else "SO_SNDBUF of a socket",
            "" if most >= _MOST else _remedy(_MOST),
            lambda need: _remedy(need.depth) if need.depth and most < need.depth <= _MOST else "",
        ),
    )


def _packets() -> int:
    """Return the packets that a socket surely holds."""
    one, other = new_pair()
    with one, other:
        return one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // _PACKET


def _remedy(depth: int) -> str:
    return set_kernel({"net.core.wmem_default": depth * _PACKET})


def check_depth(spec: Spec) -> None:
    """Check that so many slots of this size can be had. Raises: Unavailable."""
    depth = depth_of(spec)
    packets = _packets()
    if depth > _MOST:
        raise Unavailable(
            f"{depth} slots are more than {_MOST}", "ask for a smaller depth, or larger messages"
        )
    if depth > packets:
        raise Unavailable(
            f"{depth} slots: a socket surely holds {packets} packets (SO_SNDBUF)",
            _remedy(depth),
        )
    free = free_memory()
    needed = 2 * depth * spec.size
    if free.value is not None and needed > free.value:
        raise Unavailable(
            f"{2 * depth} slots of {spec.size} bytes are more than {free.value} ({free.source})",
            free.remedy_for(Need(needed)),
        )
