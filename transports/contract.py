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
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from ipcbench.transports.errors import (
    Closed,
    MessageTooLarge,
    PeerGone,
    TimedOut,
    TransportError,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.memory import InPlace, Latest, Mapping, Segment, SegmentState

Json: TypeAlias = Any
"""What `json.dumps` takes; its shape is the transport's own affair."""

__all__ = [
    "Channel", "Closed", "Endpoint", "Family", "FanOut", "Framing", "Guard", "Hub", "InPlace",
    "Json", "Latest", "Lifetime", "Limit", "Limits", "Mapping", "MessageTooLarge", "PeerDeath",
    "PeerGone", "Role", "Segment", "SegmentState", "Sharing", "Signal", "Spec", "Ticket",
    "TimedOut", "Topology", "Traits", "Transport", "TransportError", "Unavailable", "Waiting",
    "WouldBlock",
]  # fmt: skip


class Framing(Enum):
    MESSAGE = "message"  # one send, one receive; lengths may differ from message to message
    STREAM = "stream"  # bytes without borders: framed by a size that both sides know


class FanOut(Enum):
    NONE = "none"
    COMPETE = "compete"  # each message goes to one of the receivers
    BROADCAST = "broadcast"  # each message goes to all of them


class PeerDeath(Enum):
    REPORTED = "reported"  # the kernel says so: end of file, EPIPE
    SILENT = "silent"  # a receiver waits for ever


class Sharing(Enum):
    NAME = "name"  # whoever knows the name may attach
    DESCRIPTORS = "descriptors"  # file descriptors have to be handed over
    INHERIT = "inherit"  # passes through fork alone


class Lifetime(Enum):
    PROCESS = "process"  # gone with the last process that holds it
    KERNEL = "kernel"  # until removed, or the machine restarts
    FILE_SYSTEM = "file system"  # its name is a file and stays


class Waiting(Enum):
    NONE = "none"  # never waits (the null transport)
    BLOCKING = "blocking"  # sleeps in the kernel
    SPINNING = "spinning"  # burns its CPU
    SPIN_THEN_BLOCK = "spin, then block"


class Family(Enum):
    """What kind of facility it is: reports group and colour by it."""

    PIPE = "pipe"
    SOCKET = "socket"
    QUEUE = "message queue"
    SHARED_MEMORY = "shared memory"
    SYNCHRONISATION = "synchronisation"  # carries no data: semaphores, signals, guards
    MULTIPROCESSING = "multiprocessing"  # Python's own, whatever it is made of
    FLOOR = "floor"


class Topology(Enum):
    """How the processes on one channel stand to each other."""

    LINK = "link"  # one client, one server, both ways
    FAN_IN = "fan-in"  # many senders, one receiver, one way
    FAN_OUT = "fan-out"  # one sender, many receivers, one way
    HUB = "hub"  # many clients, one server, both ways
    SIGNAL = "signal"  # two processes wake each other; nothing is carried
    GUARD = "guard"  # many processes exclude each other; nothing is carried


class Role(Enum):
    """A seat at a channel.

    LINK, HUB and SIGNAL have clients and a server, FAN_IN and FAN_OUT senders
    and receivers, a GUARD has members.
    """

    CLIENT = "client"
    SERVER = "server"
    SENDER = "sender"
    RECEIVER = "receiver"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Traits:
    """What is true of a facility whatever the machine; all that `bench` may branch on."""

    family: Family
    framing: Framing
    topologies: frozenset[Topology]
    fan_out: FanOut
    peer_death: PeerDeath
    sharing: Sharing
    lifetime: Lifetime
    waiting: Waiting
    zero_length: bool  # carries a message of no bytes
    pollable: bool  # its receiving end can be waited for with poll(2)
    copies: int  # times a payload is copied from the sender's buffer to the receiver's
    lossy: bool = False
    unlink_early: bool = False  # the name may go as soon as all have attached
    depth: bool = False  # Spec.depth has a meaning
    carries: bool = True  # False for the null transport alone: nothing arrives
    excludes: bool = True  # a GUARD that guards; False for the one that lets everybody in
    delayed: bool = False  # send returns while the message is the sender's: one killed loses it
    in_place: bool = False  # the receiver reads where the sender wrote: see InPlace
    undo: bool = False  # a GUARD whose holder, when killed, gives it back
    native: bool = False  # its endpoints have operations for compiled loops: Endpoint.native
    native_copies: int | None = None  # as `copies`, where a compiled loop makes fewer
    native_differs: bool = False  # its native operations are not the calls that Python makes


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound of this machine. `value` None: no bound of its own was found.

    `source` is where the value comes from ("kernel.msgmax", "pipe(7)");
    `remedy` is the command that would raise it, or empty where none can.
    """

    name: str
    value: int | None
    source: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What `probe` found, by trying.

    `message` bounds a message in bytes, `fan_in_message` one of several
    senders to one receiver, `fan_out_message` one that several receivers
    compete for (None: the same bound). `others` are told, and decide nothing.
    `several`: why Python cannot receive of several others here; compiled loops can.
    `native`: why what the trait of that name says is not there: a plug-in's compiled
    part that was never built (ipcbench.transports.native.not_built).
    """

    message: Limit
    fan_in_message: Limit | None = None
    fan_out_message: Limit | None = None
    others: tuple[Limit, ...] = ()
    several: Unavailable | None = None
    native: Unavailable | None = None

    def refuses(self, topology: Topology, parties: int, *, native: bool) -> Unavailable | None:
        """Why so many cannot share a channel of this topology here."""
        one_hears_all = topology in (Topology.FAN_IN, Topology.HUB)
        return self.several if one_hears_all and parties > 2 and not native else None

    def message_for(self, topology: Topology) -> Limit:
        """The bound that counts for a channel of this topology."""
        own = {Topology.FAN_IN: self.fan_in_message, Topology.FAN_OUT: self.fan_out_message}
        return own.get(topology) or self.message


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
