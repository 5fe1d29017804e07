"""Both ends of a link in one process, as one endpoint: it sends to itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipcbench.transports.contract import (
    Channel,
    Closing,
    Endpoint,
    Json,
    Role,
    Ticket,
    Transport,
)
from ipcbench.transports.native import native_of


class BothEnds(Closing):
    """An endpoint that sends over the client's end of a link and receives at the server's.

    Its calls are those of the ends, bound, so it adds nothing to what is timed.
    """

    send: Any
    recv_into: Any

    def __init__(self, sender: Any, receiver: Any) -> None:
        self.sender, self.receiver = sender, receiver
        self.prepare = sender.prepare
        self._bind()

    def _bind(self) -> None:
        self.send, self.recv_into = self.sender.send, self.receiver.recv_into
        if hasattr(self.receiver, "peek"):  # it reads in place
            self.peek, self.release = self.receiver.peek, self.receiver.release

    @property
    def depth(self) -> int | None:
        """Return the depth of the direction that is used."""
        depth: int | None = self.sender.depth
        return depth

    @property
    def in_flight(self) -> int | None:
        """Return the bytes that the direction holds."""
        held: int | None = self.sender.in_flight
        return held

    @property
    def capsule(self) -> tuple[Any, Any]:
        """Return the native operations of both ends, for a compiled loop."""
        return self.sender.capsule, self.receiver.capsule

    def hello(self) -> Json:
        """Return the hellos of both ends."""
        return [self.sender.hello(), self.receiver.hello()]

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Finish the set-up of both ends. Raises: as `Endpoint.connect`."""
        (both,) = hellos
        for end in (self.sender, self.receiver):
            end.connect(both, deadline)
        self._bind()

    def native(self) -> object | None:
        """Return None: each end has operations of its own, see `natively`."""
        return None

    def close(self) -> None:
        """Close both ends."""
        try:
            self.sender.close()
        finally:
            self.receiver.close()


def attach_one(transport: Transport, channel: Channel, ticket: Ticket, deadline: float) -> Endpoint:
    """Attach the end of a ticket. Raises: as `Transport.attach`."""
    return transport.attach(ticket, deadline)


def attach_both(
    transport: Transport, channel: Channel, ticket: Ticket, deadline: float
) -> BothEnds:
    """Attach the client's end of a link, whose ticket it is, and then the server's.

    Raises: as `Transport.attach`.
    """
    server = channel.ticket(Role.SERVER, 0)
    server.spec = ticket.spec
    try:
        sender = transport.attach(ticket, deadline)
        try:
            return BothEnds(sender, transport.attach(server, deadline))
        except BaseException:
            sender.close()
            raise
    finally:
        server.close()  # what `attach` has not taken over


def natively(endpoint: Endpoint) -> Any:
    """Wrap an endpoint, or each of both ends, so that its operations are called from C.

    Raises: Unavailable where it has none.
    """
    if isinstance(endpoint, BothEnds):
        return BothEnds(native_of(endpoint.sender), native_of(endpoint.receiver))
    return native_of(endpoint)
