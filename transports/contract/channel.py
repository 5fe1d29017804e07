"""The contract of a transport: the interface under which every facility is measured.

A *transport* is a facility under this interface; a *channel* is created by one
run of it; an *endpoint* is one process's end of that channel; a *ticket* is
the data that a process needs to attach to it.

Life of a channel, in every process that takes part::

    owner:  channel = transport.create(spec)
            tickets = [channel.ticket(role, index) for each seat]
    each:   endpoint = transport.attach(ticket, deadline)    # may wait for its counterpart
            hello = endpoint.hello()
            endpoint.connect(all hellos, deadline)
    timed:  endpoint.send(message) ... endpoint.recv_into(buffer)
    each:   endpoint.close()
    owner:  channel.close(); channel.unlink()                # may be called twice

All three can be used in a `with` statement, which closes them at its end; that of a channel
also removes its objects.

Deadlines are points of `time.monotonic`, in seconds. `send` and `recv_into`
have none: they are what is timed, make the plain call, and are watched from
outside. Everything else that may block raises `TimedOut` once its deadline
has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from ipcbench.transports.contract.errors import Unavailable
from ipcbench.transports.contract.spec import Json, Spec, Ticket
from ipcbench.transports.contract.traits import Limits, Role, Traits


@runtime_checkable
class Endpoint(Protocol):
    """One process's end of a channel. Used by one thread of one process.

    A signal's handler that runs in the middle of a call uses other endpoints, not this one:
    a call of Python's may have written half of a message.
    """

    @property
    def depth(self) -> int | None:
        """Messages that a direction holds, where the transport counts in messages."""

    @property
    def in_flight(self) -> int | None:
        """Bytes of messages that a direction holds before its one sender waits.

        None: as many as its `depth` says, or not known. It may take a millisecond, and is
        read outside timed loops, while the end is open.
        """

    def hello(self) -> Json:
        """Return data that exists only now and that the others need: a pid, a bound address."""

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Finish the set-up.

        Args:
            hellos: the values of `hello` of every seat of this channel, in the order of the seats.
            deadline: a point of `time.monotonic`.

        Raises:
            TimedOut: a peer did not come in time.
            PeerGone: a peer is dead or has closed its end.
        """

    def prepare(self, data: memoryview) -> Any:
        """Turn bytes into the object that `send` takes, once, outside the loop.

        A copy, and any other object, is made anew where the bytes were written again. One that
        shows the bytes as they are when it is sent may say so by an attribute `shows_buffer` that
        is true: then it is made once. The data itself needs none.

        Args:
            data: a message of at most the spec's size; of a stream, of exactly that size
                (unless the spec says `own_framing`).

        Raises:
            MessageTooLarge: the data is longer than that.
            ValueError: the facility has no such message: one of no bytes, or of fewer bytes
                than those of a stream.
        """

    def send(self, data: Any, /) -> None:
        """Send one whole message; wait for room unless the spec says `nowait`.

        The buffer is the caller's again when it returns: what is written there then does not
        change the message.

        Args:
            data: a message that `prepare` returned.

        Raises:
            MessageTooLarge: the facility refuses a message of this length.
            WouldBlock: there is no room, and the spec says `nowait`.
            PeerGone: the receiver is gone.
            Closed: this end was closed.
        """

    def recv_into(self, buffer: memoryview, /) -> int:
        """Receive one whole message; wait for it unless the spec says `nowait`.

        Args:
            buffer: as large as the spec's size. A message may be shorter. With `own_framing`,
                a stream fills a buffer of any length.

        Returns:
            The number of bytes received.

        Raises:
            MessageTooLarge: the buffer is too small; that message alone is lost.
            ValueError: the buffer is larger than a stream's messages, and bytes of the next
                message are in it.
            WouldBlock: there is no message, and the spec says `nowait`.
            PeerGone: no message can come any more.
            Closed: this end was closed.
        """

    def native(self) -> object | None:
        """Return a capsule of native operations over the same handles, or None.

        It is called after `connect`. None is returned as well where the operations
        are not built on this machine. The capsule keeps the end alive, and the end keeps
        no such capsule, or it would never be freed. Operations that have a position, as in a
        ring, have one position in all capsules of an end.
        """

    def close(self) -> None:
        """Close this end; the kernel object stays. May be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close this end."""


@runtime_checkable
class Channel(Protocol):
    """The objects that one run creates of a transport, in the process that created them."""

    def ticket(self, role: Role, index: int) -> Ticket:
        """Make a ticket for one seat.

        Args:
            role: the seat's role.
            index: its number among the seats of this role, from 0.

        Raises:
            ValueError: the topology has no such seat.
            Closed: the channel was closed.
        """

    def close(self) -> None:
        """Close the owner's handles. May be called twice."""

    def unlink(self) -> None:
        """Remove the kernel object and its name: the owner alone does. May be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the handles, and remove the object."""


@runtime_checkable
class Transport(Protocol):
    """A facility. It has no state: one object may serve many channels."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> Traits: ...

    def probe(self) -> Limits | Unavailable:
        """Find the limits by trying, never by kernel version, and leave nothing behind."""

    def create(self, spec: Spec) -> Channel:
        """Create the kernel objects: private (0600), and written to the ledger first.

        Args:
            spec: the requirements.

        Raises:
            Unavailable: the machine cannot create them.
            MessageTooLarge: the spec's size is more than the facility takes.
            ValueError: the traits exclude the spec (its topology, a size of 0, a
                fixed name where there are no names).
            FileExistsError: the fixed name is taken.
        """

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        """Join a channel; the owner does so as well. Takes over the ticket's descriptors.

        Args:
            ticket: the seat's ticket.
            deadline: a point of `time.monotonic`.

        Raises:
            TimedOut: the counterpart did not come in time.
            PeerGone: the channel or the counterpart is gone.
            Unavailable: this process lacks the means.
        """


class Hub(Protocol):
    """The server's end of a HUB, in addition to the calls of every endpoint."""

    def recv_from(self, buffer: memoryview, /) -> int:
        """Receive one whole message of any client, and return that client's index.

        It is fair: a client that sends without pause never keeps another one
        waiting for ever.

        Args:
            buffer: as of `Endpoint.recv_into`.

        Raises:
            PeerGone: all clients are gone.
            MessageTooLarge, WouldBlock, Closed: as `Endpoint.recv_into`.
        """

    def send_to(self, index: int, data: Any, /) -> None:
        """Send one whole message to one client.

        Args:
            index: the client's index.
            data: a message that `prepare` returned.

        Raises:
            MessageTooLarge, WouldBlock, PeerGone, Closed: as `Endpoint.send`.
        """


class Objects(Protocol):
    """An end whose messages are pickled objects, in addition to the calls of every endpoint.

    `send` takes any object that can be pickled, beside those of `prepare`.
    """

    def recv_object(self) -> Any:
        """Receive one object; wait for it unless the spec says `nowait`.

        Memory that the object refers to may be this end's, which the next call writes again.

        Raises:
            WouldBlock, PeerGone, Closed: as `Endpoint.recv_into`.
        """


class Signal(Protocol):
    """A counted notification without payload, by which shared memory waits.

    Also both ends of a SIGNAL, where `notify` wakes the other end.
    """

    def notify(self) -> None:
        """Add one."""

    def wait(self) -> None:
        """Take one; wait until there is one."""


class Guard(Protocol):
    """A member's end of a GUARD."""

    def acquire(self) -> None:
        """Enter; wait until no other member is inside."""

    def release(self) -> None:
        """Leave."""


class File(Protocol):
    """A member's end of a FILE. No access may reach beyond the end of the file."""

    def extent(self) -> int:
        """Return the bytes of the file."""

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        """Read bytes from a place into a buffer until it is full, and return their number."""

    def write_at(self, data: Any, place: int, /) -> int:
        """Write a prepared message to a place, and return its length."""
