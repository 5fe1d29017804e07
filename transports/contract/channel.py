"""What a transport is: the contract that every facility is brought under.

A *transport* is a facility under our interface; a *channel* is what one run
creates of it; an *endpoint* is one process's end of that channel; a *ticket*
is what a process needs to attach to it.

Life of a channel, in every process that takes part::

    owner:  channel = transport.create(spec)
            tickets = [channel.ticket(role, index) for each seat]
    each:   endpoint = transport.attach(ticket, deadline)    # may wait for its counterpart
            hello = endpoint.hello()
            endpoint.connect(all hellos, deadline)
    timed:  endpoint.send(message) ... endpoint.recv_into(buffer)
    each:   endpoint.close()
    owner:  channel.close(); channel.unlink()                # each harmless when repeated

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
from ipcbench.transports.contract.traits import Limits, Role, Topology, Traits

Json: TypeAlias = Any
"""What `json.dumps` takes; its shape is the transport's own affair."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a channel is to be fit for.

    `size`: the largest message, in bytes; a stream's every message has it.
    `parties`: processes on this channel. `depth`: messages that fit into a
    direction before a sender waits, into each lane or into the one queue of
    all (None: the transport's own default); Unavailable where that is more than
    the machine allows.
    `nowait`: `send` and `recv_into` raise `WouldBlock` instead of waiting.
    `poll`: the receiver waits with poll(2) and then reads, where the traits
    say that it can. `kind`: a System V message's type (1 or more), a POSIX
    message's priority; each seat may set its own in its ticket's spec. `name`:
    a fixed name instead of a private random one. `native`: the loops will be
    compiled ones, over `Endpoint.native()`; what only those need is there.
    """

    size: int
    topology: Topology = Topology.LINK
    parties: int = 2
    depth: int | None = None
    nowait: bool = False
    poll: bool = False
    kind: int | None = None
    name: str | None = None
    native: bool = False

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


@dataclass(slots=True)
class Ticket:
    """What one process needs to attach: JSON-able data and file descriptors.

    A ticket owns its descriptors until `attach` takes them over; a process
    that will not use a ticket closes it, so that no stray copy of a
    descriptor keeps an end of file from coming. Inherited objects are let go
    of in the same way: what they hold is freed with the last reference.
    """

    role: Role
    index: int
    spec: Spec
    data: dict[str, Json] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    inherited: tuple[object, ...] = ()

    def take_fds(self) -> tuple[int, ...]:
        """Hand the descriptors over to the caller, who closes them from now on."""
        fds, self.fds = self.fds, ()
        return fds

    def take_inherited(self) -> tuple[Any, ...]:
        """Hand the inherited objects over to the caller."""
        inherited, self.inherited = self.inherited, ()
        return inherited

    def close(self) -> None:
        """Close the descriptors that nobody took. Twice is harmless."""
        self.take_inherited()
        for fd in self.take_fds():
            os.close(fd)


@runtime_checkable
class Endpoint(Protocol):
    """One process's end. Used by one thread of one process."""

    @property
    def depth(self) -> int | None:
        """Messages a direction holds, where the transport counts in messages."""

    def hello(self) -> Json:
        """What exists only now and others must know: a pid, a bound address."""

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Finish, with the hellos of all, in the order of their seats.

        Raises: TimedOut, PeerGone.
        """

    def prepare(self, data: memoryview) -> Any:
        """Turn bytes into what `send` takes, once, outside the loop."""

    def send(self, data: Any, /) -> None:
        """Send one whole message of at most the spec's size.

        Waits for room unless the spec said `nowait`.

        Raises: MessageTooLarge, WouldBlock, PeerGone, Closed.
        """

    def recv_into(self, buffer: memoryview, /) -> int:
        """Receive one whole message into `buffer`; bytes received.

        The buffer has the spec's size or less; a stream fills it, a message may
        be shorter than it.
        Raises: MessageTooLarge (the buffer is too small: that message is
        lost, and it alone), WouldBlock, PeerGone, Closed.
        """

    def native(self) -> object | None:
        """The capsule of native operations over the same handles, or None.

        Asked for after `connect`; None as well where they are not built here. Operations that
        know where they are, as in a ring, are one capsule, which keeps the end until `close`.
        """

    def close(self) -> None:
        """Let go of this end. Twice is harmless; the kernel object stays."""


@runtime_checkable
class Channel(Protocol):
    """What one run creates of a transport, in the process that created it."""

    def ticket(self, role: Role, index: int) -> Ticket:
        """A ticket for the `index`-th seat of `role`.

        Raises: ValueError where the topology has no such seat, Closed.
        """

    def close(self) -> None:
        """Close the owner's handles. Twice is harmless."""

    def unlink(self) -> None:
        """Remove the kernel object and its name. The owner alone; twice is harmless."""


@runtime_checkable
class Transport(Protocol):
    """A facility. Stateless: one object may serve many channels."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> Traits: ...

    def probe(self) -> Limits | Unavailable:
        """Find out by trying, never by kernel version, and leave nothing behind."""

    def create(self, spec: Spec) -> Channel:
        """Create the kernel objects, private (0600) and written to the ledger first.

        Raises: Unavailable, MessageTooLarge, ValueError (what the traits do
        not name: a topology, no bytes, a fixed name where there are no names),
        FileExistsError (a fixed name is taken).
        """

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        """Join in, the owner like everybody else. Takes the ticket's descriptors.

        Raises: TimedOut, PeerGone, Unavailable.
        """


class Hub(Protocol):
    """The server's end of a HUB, beside what every endpoint has."""

    def recv_from(self, buffer: memoryview, /) -> int:
        """Receive one whole message of whichever client; the client's index.

        Fair: a client that sends without pause keeps no other one waiting for
        ever. Raises: as `Endpoint.recv_into`; PeerGone only when all are gone.
        """

    def send_to(self, index: int, data: Any, /) -> None:
        """Answer one client. Raises: as `Endpoint.send`."""


class Signal(Protocol):
    """A counted wake-up without payload: what shared memory waits with.

    Also both ends of a SIGNAL, where `notify` wakes the other one.
    """

    def notify(self) -> None:
        """Add one."""

    def wait(self) -> None:
        """Take one; waits until there is one."""


class Guard(Protocol):
    """A member's end of a GUARD."""

    def acquire(self) -> None:
        """Enter; waits until nobody else is in."""

    def release(self) -> None:
        """Leave."""
