"""I/O multiplexing: poll(2) before a read, and epoll(7) over several descriptors.

For every transport whose receiving end is a descriptor; each adds its own
way to read, as the `recv_into` of one descriptor.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ipcbench.transports.contract import PeerGone, WouldBlock

Receive: TypeAlias = Callable[[memoryview], int]


def polled(fd: int, receive: Receive, *, nowait: bool) -> Receive:
    """`receive`, after poll(2) has reported that something is there, or an end of file."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    wait = poller.poll

    def recv_into(buffer: memoryview, /) -> int:
        wait()
        return receive(buffer)

    def recv_into_now(buffer: memoryview, /) -> int:
        wait(0)
        return receive(buffer)  # says itself that nothing is there

    return recv_into_now if nowait else recv_into


def given_room(fd: int, send: Callable[[Any], None]) -> Callable[[Any], None]:
    """`send` of a channel that does not wait, once poll(2) says that there is ample room.

    Where a stream takes a part of a message when it has no room for the whole
    (TCP does, even of a small one), the rest would have to wait after all.
    """
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    look = poller.poll

    def send_now(data: Any, /) -> None:
        if not look(0):
            raise WouldBlock("send: it would have to wait")
        send(data)

    return send_now


class Gatherer:
    """The receiving end of several descriptors, waited for at once with epoll(7).

    Whoever is found ready is served once before anybody is asked again, so one
    that sends without pause keeps no other waiting. `recv_into` tells how many
    bytes came, `recv_from` the index of the one they came from.
    """

    def __init__(self, receivers: Mapping[int, Receive], *, nowait: bool) -> None:
        """`receivers`: what reads from each descriptor, in the order of the indices."""
        self._epoll = select.epoll()
        for fd in receivers:
            self._epoll.register(fd, select.EPOLLIN)
        self.recv_into, self.recv_from = _gathering(self._epoll, dict(receivers), nowait)

    def fileno(self) -> int:
        """The epoll(7) descriptor: native operations wait with it as well."""
        return self._epoll.fileno()

    def close(self) -> None:
        self._epoll.close()


def _gathering(
    epoll: select.epoll, receivers: dict[int, Receive], nowait: bool
) -> tuple[Receive, Receive]:
    indices = {fd: index for index, fd in enumerate(receivers)}
    poll = epoll.poll
    timeout = 0 if nowait else -1
    ready: list[tuple[int, int]] = []

    def wait() -> None:
        nonlocal ready
        ready = poll(timeout)
        if nowait and not ready:
            raise WouldBlock("receive: nothing is there")

    def leave(fd: int) -> None:
        """One that has left is no end while others stay; the last one's is told each time."""
        if len(receivers) == 1:
            raise PeerGone("receive: all the others have left")
        epoll.unregister(fd)
        del receivers[fd]

    def recv_into(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                wait()
            fd, _ = ready.pop()
            try:
                return receivers[fd](buffer)
            except PeerGone:
                leave(fd)

    def recv_from(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                wait()
            fd, _ = ready.pop()
            try:
                receivers[fd](buffer)
                return indices[fd]
            except PeerGone:
                leave(fd)

    return recv_into, recv_from
