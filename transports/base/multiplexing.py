"""I/O multiplexing: receiving from several descriptors with epoll(7), and a hub's server.

Each transport adds its own way to read, as the `recv_into` of one descriptor.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ipcbench.transports.base.defaults import PlainEndpoint, forbidden
from ipcbench.transports.base.spinning import (
    Look,
    SpinningGatherer,
    pass_time_at,
    spinning_receive,
)
from ipcbench.transports.base.waiting import Receive, Send, waiting_receive
from ipcbench.transports.contract import PeerGone, Ticket, WouldBlock


class Gathers(Protocol):
    """Receiver from several peers, as `serve` takes it."""

    @property
    def recv_into(self) -> Receive:
        """Receive one message; the bytes received."""

    @property
    def recv_from(self) -> Receive:
        """Receive one message; the index of its sender."""


class Gathered(NamedTuple):
    """Two calls that receive from several peers."""

    recv_into: Receive
    recv_from: Receive


def serve(
    endpoint: Any, gatherer: Gathers, senders: Sequence[Send] | Callable[[int, Any], None]
) -> None:
    """Give an endpoint the calls of a hub's server.

    Args:
        endpoint: the endpoint.
        gatherer: its `recv_into` and `recv_from`.
        senders: a send for each client, or one call that takes the client's index.
    """
    endpoint.send = forbidden("a hub's server names the client: send_to")
    endpoint.recv_into, endpoint.recv_from = gatherer.recv_into, gatherer.recv_from
    endpoint.send_to = senders if callable(senders) else lambda index, data: senders[index](data)


class DescriptorEndpoint(PlainEndpoint):
    """Endpoint whose receiving handles are descriptors, which poll(2) and epoll(7) know."""

    _gatherer: Gatherer | SpinningGatherer | None = None

    def _bind(
        self,
        ticket: Ticket,
        receivers: Mapping[int, Receive],
        senders: Sequence[Send],
        *,
        gathers: bool = False,
    ) -> None:
        """Set the calls of this seat.

        Args:
            ticket: the seat's ticket.
            receivers: a receive for each descriptor, in the order of the peers' indices.
            senders: a send for each peer, or for all of them together.
            gathers: the seat receives from several descriptors, as a hub's server does.
        """
        spec = ticket.spec
        if gathers or ticket.serves_hub:
            self._gatherer = Gatherer(receivers, nowait=spec.nowait)
            self.recv_into = self._gatherer.recv_into
            if ticket.serves_hub:
                serve(self, self._gatherer, senders)
            return
        for send in senders:
            self.send = send
        for fd, receive in receivers.items():
            self.recv_into = waiting_receive(receive, fd, spec)

    def _bind_spinning(
        self,
        ticket: Ticket,
        looks: Mapping[int, Look],
        senders: Sequence[Send],
        *,
        gathers: bool = False,
    ) -> None:
        """Set the calls of a seat that spins: see `_bind`.

        Args:
            ticket: the seat's ticket.
            looks: a look at each descriptor, in the order of the peers' indices.
            senders: a send for each peer, or for all of them together.
            gathers: the seat receives from several descriptors, as a hub's server does.
        """
        spec = ticket.spec
        if gathers or ticket.serves_hub:
            self._gatherer = SpinningGatherer(looks, spec)
            self.recv_into = self._gatherer.recv_into
            if ticket.serves_hub:
                serve(self, self._gatherer, senders)
            return
        for send in senders:
            self.send = send
        for fd, look in looks.items():
            self.recv_into = spinning_receive(look, spec, pass_time_at(spec, fd, select.POLLIN))

    def close(self) -> None:
        if self._gatherer is not None:
            self._gatherer.close()
        super().close()


class Gatherer:
    """Receiver from several descriptors, all of which are waited for with epoll(7).

    Each ready descriptor is served once before any is asked again, so a peer
    that sends without pause keeps no other one waiting. `recv_into` returns the
    number of bytes, `recv_from` the index of the descriptor they came from.
    """

    def __init__(self, receivers: Mapping[int, Receive], *, nowait: bool) -> None:
        """Register the descriptors.

        Args:
            receivers: a receive for each descriptor, in the order of the indices.
            nowait: raise WouldBlock instead of waiting.
        """
        self._epoll = select.epoll()
        for fd in receivers:
            self._epoll.register(fd, select.EPOLLIN)
        self.recv_into, self.recv_from = _gathering(self._epoll, dict(receivers), nowait)

    def fileno(self) -> int:
        """Return the epoll(7) descriptor, with which native operations wait too."""
        return self._epoll.fileno()

    def close(self) -> None:
        self._epoll.close()


def _gathering(epoll: select.epoll, receivers: dict[int, Receive], nowait: bool) -> Gathered:
    indices = {fd: index for index, fd in enumerate(receivers)}
    poll = epoll.poll
    timeout = 0 if nowait else -1
    ready: list[tuple[int, int]] = []

    def wait() -> None:
        nonlocal ready
        ready = poll(timeout)
        if nowait and not ready:
            raise WouldBlock("receive: there is no message")

    def drop(fd: int) -> None:
        """Forget a peer that is gone; the last one's end is reported at every call."""
        if len(receivers) == 1:
            raise PeerGone("receive: all peers are gone")
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
                drop(fd)

    def recv_from(buffer: memoryview, /) -> int:
        while True:
            while not ready:
                wait()
            fd, _ = ready.pop()
            try:
                receivers[fd](buffer)
                return indices[fd]
            except PeerGone:
                drop(fd)

    return Gathered(recv_into, recv_from)
