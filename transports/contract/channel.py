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

Deadlines are points of `time.monotonic`, in seconds. `send` and `recv_into`
have none: they are what is timed, make the plain call, and are watched from
outside. Everything else that may block raises `TimedOut` once its deadline
has passed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

from ipcbench.transports.contract.errors import Unavailable
from ipcbench.transports.contract.traits import Limits, Role, Topology, Traits, Wait

Json: TypeAlias = Any
"""A value that `json.dumps` takes; its shape is defined by the transport."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Requirements for a channel.

    Args:
        size: the largest message, in bytes; every message of a stream has this size.
        topology: the arrangement of the processes.
        parties: the number of processes on this channel.
        depth: messages that fit into a direction before a sender waits, into each
            lane or into the one queue of all; None: the transport's own default.
            `create` raises Unavailable where that is more than the machine allows.
        nowait: `send` and `recv_into` raise `WouldBlock` instead of waiting.
        wait: the way in which the ends wait (see `Wait`). `Wait.BLOCK` is the facility's own
            way, which the trait `waiting` names; any other one has to be among
            those that the traits allow (`Traits.can_wait`).
        looks: the looks of `Wait.SPIN_BLOCK` before it sleeps, at all peers together; None: the
            facility's own default.
        exclusive_cpus: each process of the channel has a CPU of its own, so an end that spins
            keeps it. Else it yields the CPU between two looks (sched_yield(2)), which is always
            safe: the process that it waits for may need that CPU. Each seat may set its own in
            its ticket's spec.
        kind: the type of a System V message (1 or more), or the priority of a POSIX
            message; each seat may set its own in its ticket's spec.
        name: a fixed name instead of a private random one.
        native: the loops will be compiled ones, over `Endpoint.native()`: what only
            those need is created too.
        channels: such channels that exist at once, this one among them: they share the
            bounds of the machine.

    Raises:
        ValueError: the numbers contradict each other or the topology.
    """

    size: int
    topology: Topology = Topology.LINK
    parties: int = 2
    depth: int | None = None
    nowait: bool = False
    wait: Wait = Wait.BLOCK
    looks: int | None = None
    exclusive_cpus: bool = False
    kind: int | None = None
    name: str | None = None
    native: bool = False
    channels: int = 1

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"a message of {self.size} bytes: sizes are 0 or more")
        if self.parties < 2:
            raise ValueError(f"{self.parties} parties: a channel joins 2 processes or more")
        if self.topology in (Topology.LINK, Topology.SIGNAL) and self.parties != 2:
            raise ValueError(
                f"{self.parties} parties: a {self.topology.value} joins exactly 2 processes"
            )
        if self.depth is not None and self.depth < 1:
            raise ValueError(f"depth {self.depth}: a channel holds 1 message or more")
        if self.looks is not None and self.looks < 1:
            raise ValueError(f"{self.looks} looks: it looks once or more before it sleeps")

    @property
    def one_way(self) -> bool:
        """True if messages travel in one direction only."""
        return self.topology in (Topology.FAN_IN, Topology.FAN_OUT, Topology.NEWEST)


@dataclass(slots=True)
class Ticket:
    """The data that one process needs to attach: JSON-able data and file descriptors.

    A ticket owns its descriptors until `attach` takes them over. A process
    that will not use a ticket closes it: a stray copy of a descriptor would
    prevent the end of file. Inherited objects are released in the same way:
    their resources are freed with the last reference.
    """

    role: Role
    index: int
    spec: Spec
    data: dict[str, Json] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    inherited: tuple[object, ...] = ()

    @property
    def serves_hub(self) -> bool:
        """True for the seat of a hub's server, which has `recv_from` and `send_to`."""
        return self.spec.topology is Topology.HUB and self.role is Role.SERVER

    def take_fds(self) -> tuple[int, ...]:
        """Hand the descriptors over to the caller, which closes them from now on."""
        fds, self.fds = self.fds, ()
        return fds

    def take_inherited(self) -> tuple[Any, ...]:
        """Hand the inherited objects over to the caller."""
        inherited, self.inherited = self.inherited, ()
        return inherited

    def close(self) -> None:
        """Close the descriptors that were not taken. May be called twice."""
        self.take_inherited()
        for fd in self.take_fds():
            os.close(fd)


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
            hellos: the values of every seat's `hello`, in the order of the seats.
            deadline: a point of `time.monotonic`.

        Raises:
            TimedOut: a peer did not come in time.
            PeerGone: a peer is dead or has closed its end.
        """

    def prepare(self, data: memoryview) -> Any:
        """Turn bytes into the object that `send` takes, once, outside the loop.

        Args:
            data: a message of at most the spec's size.

        Raises:
            MessageTooLarge: the data is longer than that.
            ValueError: the facility has no such message (one of no bytes, say).
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
            buffer: as large as the spec's size, or smaller. A stream fills it; a
                message may be shorter.

        Returns:
            The number of bytes received.

        Raises:
            MessageTooLarge: the buffer is too small; that message alone is lost.
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
