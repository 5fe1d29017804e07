"""Traits and limits of a transport."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ipcbench.transports.contract.errors import Unavailable


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


class Wait(Enum):
    """The way in which a receiver waits for a message, one axis for every facility."""

    NONE = "none"  # never waits (the null transport)
    BLOCK = "block"  # sleeps in the kernel, in the facility's own call
    POLL = "poll"  # sleeps in poll(2), then reads
    SPIN = "spin"  # looks again and again, and burns its CPU
    SPIN_BLOCK = "spin-block"  # looks some number of times, then sleeps


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
