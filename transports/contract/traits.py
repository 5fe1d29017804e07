"""Traits and limits of a transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ipcbench.transports.contract.errors import Unavailable


class Framing(Enum):
    """Message boundaries."""

    MESSAGE = "message"  # one send, one receive; lengths may differ from message to message
    STREAM = "stream"  # bytes without boundaries: framed by a size that both sides know


class FanOut(Enum):
    """The receivers of a message where there are several."""

    NONE = "none"
    COMPETE = "compete"  # each message goes to one of the receivers
    BROADCAST = "broadcast"  # each message goes to all of them


class PeerDeath(Enum):
    """The effect of a peer's death on a receiver that waits."""

    REPORTED = "reported"  # the kernel reports it: end of file, EPIPE
    SILENT = "silent"  # the receiver waits for ever


class Sharing(Enum):
    """The way in which another process gets access."""

    NAME = "name"  # by a name: any process of the user that knows it can attach
    DESCRIPTORS = "descriptors"  # file descriptors have to be handed over
    INHERIT = "inherit"  # through fork(2) alone


class Lifetime(Enum):
    """The time for which the kernel object exists."""

    PROCESS = "process"  # until the last process that holds it ends
    KERNEL = "kernel"  # until it is removed, or the machine restarts
    FILE_SYSTEM = "file system"  # until it is removed: its name is a file


class Wait(Enum):
    """The way in which the ends of a channel wait, one axis for every facility.

    A receiver waits for a message in this way, and the waiting end of a signal for a notification.
    A sender that finds no room waits for it in the same way, with one exception: with POLL, the
    senders of descriptors and of counted rings block in their own calls. With SPIN, neither end
    ever sleeps. `Spec.nowait` ends all waiting.

    An end that spins makes a call that does not block again and again (a *look*). Between two
    looks it yields the CPU, unless `Spec.exclusive_cpus` is set. The receiver of several peers
    looks at them in turn.
    """

    NONE = "none"  # never waits (the null transport)
    BLOCK = "block"  # sleeps in the kernel, in the facility's own call
    POLL = "poll"  # sleeps in poll(2), then reads
    SPIN = "spin"  # looks again and again, and burns its CPU
    SPIN_BLOCK = "spin-block"  # looks `Spec.looks` times, then sleeps in the facility's own call


class Family(Enum):
    """The kind of facility; reports group and colour by it."""

    PIPE = "pipe"
    SOCKET = "socket"
    QUEUE = "message queue"
    SHARED_MEMORY = "shared memory"
    PASSING = "passed memory"  # memory, or its address, is passed instead of bytes
    FILE = "file"  # one process accesses a file
    SYNCHRONISATION = "synchronisation"  # carries no data: semaphores, signals, guards
    MULTIPROCESSING = "multiprocessing"  # Python's own, whatever it is made of
    LIBRARY = "library"  # a messaging library's, with threads of its own
    FLOOR = "floor"


class Topology(Enum):
    """The arrangement of the processes on one channel."""

    LINK = "link"  # one client, one server, both ways
    FAN_IN = "fan-in"  # many senders, one receiver, one way
    FAN_OUT = "fan-out"  # one sender, many receivers, one way
    HUB = "hub"  # many clients, one server, both ways
    SIGNAL = "signal"  # two processes wake each other; nothing is carried
    GUARD = "guard"  # many processes exclude each other; nothing is carried
    FILE = "file"  # a process reads and writes a file at any place; nothing is carried
    NEWEST = "newest value"  # one sender replaces a value, many receivers read the newest one


class Role(Enum):
    """A seat at a channel.

    LINK, HUB and SIGNAL have clients and a server, FAN_IN, FAN_OUT and NEWEST senders
    and receivers, a GUARD and a FILE have members.
    """

    CLIENT = "client"
    SERVER = "server"
    SENDER = "sender"
    RECEIVER = "receiver"
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Properties of a facility on every machine; `bench` branches on nothing else.

    The defaults are those of most facilities: a transport names what differs.
    """

    family: Family
    framing: Framing
    topologies: frozenset[Topology]
    peer_death: PeerDeath
    sharing: Sharing
    copies: int  # times a payload is copied from the sender's buffer to the receiver's
    fan_out: FanOut = FanOut.NONE
    lifetime: Lifetime = Lifetime.PROCESS
    waiting: Wait = Wait.BLOCK  # the facility's own way, which `Spec.wait` may replace
    pollable: bool = False  # its receiving end can be waited for with poll(2): Wait.POLL
    # Its calls need not block, in each of its runtimes: Wait.SPIN, Wait.SPIN_BLOCK.
    spins: bool = False
    zero_length: bool = True  # carries a message of no bytes
    batch: bool = False  # it has native calls for several messages: send_many, recv_many, ops.h
    # These are calls of the kernel: the sender's may wait for space for all messages, and the
    # receiver's consumes them before their lengths are known.
    batch_in_kernel: bool = False
    signals: int = 0  # waiters notified for each message by both sides; 0: none
    lossy: bool = False
    # `send` returns when the receiver has the bytes, so that the sender may write to its buffer:
    # nothing is ever on the way, and `Spec.nowait` is refused.
    synchronous: bool = False
    # The name may be removed as soon as all have attached. Where not, its removal ends the
    # traffic: for a process that waits or wakes another, and so for all when the channel is full.
    unlink_early: bool = False
    # `attach` returns only when the other side attaches too, so one process cannot hold both ends
    # of a link. Where not, the client's end attaches first, and then the server's.
    attach_waits: bool = False
    depth: bool = False  # Spec.depth has a meaning
    carries: bool = True  # False where no data arrives: null, signals, guards, files
    excludes: bool = True  # a GUARD that guards; False for the one that admits every member
    delayed: bool = False  # a message may be lost if its sender is killed after `send` returned
    objects: bool = False  # its messages are pickled objects: see Objects
    # `send` returns before the object is pickled: until it has been received, a change of it
    # changes the message. Bytes that `prepare` has copied are none that a caller could change.
    pickles_late: bool = False
    in_place: bool = False  # the receiver reads where the sender wrote: see InPlace
    undo: bool = False  # a GUARD that is released when its holder is killed
    native: bool = False  # its endpoints have operations for compiled loops: Endpoint.native
    native_copies: int | None = None  # as `copies`, where a compiled loop makes fewer
    native_differs: bool = False  # its native operations are not the calls that Python makes

    def can_wait(self, wait: Wait) -> bool:
        """Tell whether the ends can wait in this way.

        Args:
            wait: the way; `Wait.BLOCK` is the facility's own, whatever it is.
        """
        if wait in (Wait.SPIN, Wait.SPIN_BLOCK) and self.spins:
            return True
        return wait in (Wait.BLOCK, self.waiting) or (wait is Wait.POLL and self.pollable)


@dataclass(frozen=True, slots=True)
class Need:
    """The messages that a cell sends: their size, the depth asked for, and the channels.

    `size` is in bytes; `parties` are the processes on one channel.
    """

    size: int
    depth: int | None = None
    topology: Topology = Topology.LINK
    parties: int = 2
    channels: int = 1

    @property
    def ways(self) -> int:
        """The number of one-way connections: a link has two, a newest value one a receiver."""
        if self.topology is Topology.NEWEST:
            return self.channels * (self.parties - 1)
        one_way = self.topology in (Topology.FAN_IN, Topology.FAN_OUT)
        return self.channels * (1 if one_way else 2 * (self.parties - 1))


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of this machine. `value` None: no bound of its own was found.

    `source` is the origin of the value ("kernel.msgmax", "pipe(7)"); `remedy`
    is the action that would raise it, or empty where none can. `suffices` returns the action
    that is enough for a need, with all settings that must change together.
    """

    name: str
    value: int | None
    source: str
    remedy: str = ""
    suffices: Callable[[Need], str] | None = field(default=None, compare=False, repr=False)

    def remedy_for(self, need: Need) -> str:
        """Return the action that is enough for a need, or the general one.

        Args:
            need: the messages that the limit refuses.
        """
        return self.remedy if self.suffices is None else self.suffices(need)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that `probe` found, by trying.

    `message` bounds a message in bytes, `fan_in_message` one of several
    senders to one receiver, `fan_out_message` one that several receivers
    compete for (None: the same bound). `depth` bounds the messages that a direction
    holds (None: only `create` tells). `others` are shown, and decide nothing.
    `several`: the reason why Python cannot receive from several others here;
    compiled loops can. `native`: the reason why there are no native operations
    although the trait `native` is set: the compiled part of a plug-in was not
    built (ipcbench.transports.native.not_built).
    """

    message: Limit
    fan_in_message: Limit | None = None
    fan_out_message: Limit | None = None
    depth: Limit | None = None
    others: tuple[Limit, ...] = ()
    several: Unavailable | None = None
    native: Unavailable | None = None

    def refuses(self, topology: Topology, parties: int, *, native: bool) -> Unavailable | None:
        """Return the reason why so many cannot share a channel of this topology here.

        Args:
            topology: the channel's topology.
            parties: the number of processes on the channel.
            native: the loops are compiled ones.
        """
        one_receives_of_all = topology in (Topology.FAN_IN, Topology.HUB)
        return self.several if one_receives_of_all and parties > 2 and not native else None

    def message_for(self, topology: Topology) -> Limit:
        """Return the bound of a message on a channel of this topology.

        Args:
            topology: the channel's topology.
        """
        own = {Topology.FAN_IN: self.fan_in_message, Topology.FAN_OUT: self.fan_out_message}
        return own.get(topology) or self.message
