"""Cases of users: ordinary work, the tasks that answer it, and the order that measures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.tasks import SMALL
from ipcbench.bench.results.axes import (
    ARRAY,
    BLOCK,
    COUNTER,
    ECHO,
    FAN_IN,
    FAN_OUT,
    FILE,
    FILE_RANDOM,
    FILE_WRITE,
    FILE_WRITE_RANDOM,
    FRESH,
    HOT,
    LATENCY,
    LATEST,
    PACED,
    PAIRS,
    PYTHON,
    RUNTIMES,
    SAME_CORE,
    SET_UP,
    SIGNAL,
    SPIN,
    STREAM,
    UNPINNED,
)
from ipcbench.bench.results.pace import CLOSED

FRAME = 1920 * 1080 * 3  # bytes of a 1080p frame
RATE = 100_000  # messages a second of the case of a steady rate
MEMORY = "shm:posix+posix-sem"


@dataclass(frozen=True, slots=True)
class Order:
    """The cells that answer a case, as `ipcbench run` takes them. `size`: 0: none is given."""

    pattern: str
    transports: Sequence[str]
    native: Sequence[str] = ()  # other ones in C; none: the same
    size: int = 64
    processes: int = 0
    waits: Sequence[str] = ()
    payload: str = HOT
    pace: str = CLOSED


@dataclass(frozen=True, slots=True)
class Case:
    """Ordinary work, for which people look for a facility.

    Attributes:
        title, large: names for people; `large` is that of messages of 4 KiB and more.
        spinning: the title where processes may spin, if it is another one.
        short: a name for a narrow column.
        patterns: those of the tasks' that count, the usual one first; none: all of them.
        main: it stands on the first screen.
        crosses: axes on which the facilities may differ on purpose.
        fixes_wait: the case itself says if processes may spin.
        instead_of: the facility that the question is about.
        named: the tasks are about certain facilities.
        many: the number of processes is a matter of choice.
        apart: each process needs a CPU of its own.
        runtimes: those in which the question has a meaning.
    """

    id: str
    title: str
    tasks: tuple[str, ...]
    order: Order
    patterns: tuple[str, ...] = ()
    spinning: str = ""
    short: str = ""
    large: str = ""
    main: bool = False
    crosses: tuple[str, ...] = ()
    fixes_wait: bool = False
    instead_of: str = ""
    named: bool = False
    many: bool = False
    apart: bool = False
    runtimes: tuple[str, ...] = RUNTIMES

    def name(self, size: int, spin: bool | None) -> str:
        """Return the title for messages of a size, where processes may spin or not."""
        if spin and self.spinning:
            return self.spinning
        return self.large if self.large and size >= SMALL else self.title

    def needs_apart(self, placement: str) -> bool:
        """Tell if a placement lacks a CPU for each process, which the case needs."""
        return self.apart and placement in (SAME_CORE, UNPINNED)


_USUAL = ("pipe", "unix-stream", MEMORY)
_INSTEAD = ("mp-queue", "mp-pipe", "posix-queue", "unix-stream")

ONE_WAY = Case(
    "one-way",
    "Small messages, one way",
    ("small-one-way", "large-messages"),
    Order(STREAM, _USUAL),
    patterns=(STREAM,),
    large="Large messages, one way",
    main=True,
    short="one way",
)
STEADY = Case(
    "steady-rate",
    f"{RATE:,} messages a second",
    ("steady-rate",),
    Order(PACED, _USUAL, pace=f"rate:{RATE}"),
    patterns=(PACED,),
    main=True,
    apart=True,
    short=f"{RATE:,}/s",
)
CLIENTS = Case(
    "many-clients",
    "One server, many clients",
    ("many-clients",),
    Order(ECHO, _USUAL, processes=8),
    main=True,
    short="many clients",
    many=True,
)
CASES: tuple[Case, ...] = (
    ONE_WAY,
    Case(
        "request",
        "Request and answer, sleeping",
        ("small-request", "large-messages"),
        Order(LATENCY, _USUAL),
        patterns=(LATENCY,),
        main=True,
        spinning="Request and answer, may spin",
        short="request, answer",
    ),
    Case(
        "lowest-latency",
        "Lowest latency, a core to burn",
        ("lowest-latency",),
        Order(LATENCY, ("pipe", "shm:posix+futex"), waits=(BLOCK, SPIN)),
        main=True,
        apart=True,
        crosses=("wait", "looks"),
        fixes_wait=True,
        short="lowest latency",
    ),
    STEADY,
    Case(
        "frames",
        "Frames of 6 MB",
        ("frames",),
        Order(
            STREAM,
            ("pipe:1M", "unix-stream", "shm:posix+futex", "shm:posix+futex/in-place"),
            size=FRAME,
            payload=FRESH,
        ),
        main=True,
        crosses=("in_place",),
        short="frames of 6 MB",
    ),
    Case(
        "many-senders",
        "Many senders, one receiver",
        ("many-senders",),
        Order(FAN_IN, _USUAL, processes=4),
        main=True,
        short="many senders",
        many=True,
    ),
    CLIENTS,
    Case(
        "newest-value",
        "Newest value, many readers",
        ("newest-value",),
        Order(
            LATEST,
            ("latest:seqlock", "latest:pipe"),
            native=("latest:seqlock", "latest:buffers"),
            processes=4,
        ),
        main=True,
        fixes_wait=True,
        short="newest value",
        many=True,
    ),
    Case(
        "instead-of-mp-queue",
        "Instead of multiprocessing.Queue",
        ("instead-of-mp-queue",),
        Order(STREAM, _INSTEAD),
        patterns=(STREAM, LATENCY, FAN_IN, FAN_OUT, ECHO),
        main=True,
        instead_of="mp-queue",
        named=True,
        runtimes=(PYTHON,),
        short="beside mp.Queue",
    ),
    Case(
        "unix-or-tcp",
        "Unix socket or TCP",
        ("unix-or-tcp",),
        Order(LATENCY, ("unix-stream", "tcp")),
        patterns=(LATENCY, STREAM, ECHO, FAN_IN, FAN_OUT),
        main=True,
        named=True,
        short="Unix or TCP",
    ),
    Case(
        "rare-requests",
        "A request now and then",
        ("rare-requests",),
        Order(LATENCY, ("pipe", "shm:posix+futex"), pace="pause:1ms"),
        short="rare",
    ),
    Case(
        "arrays",
        "NumPy arrays",
        ("arrays",),
        Order(
            STREAM,
            ("mp-queue", "mp-pipe-pickle", "shm:posix+futex", "shm:posix+futex/in-place"),
            size=FRAME,
            payload=ARRAY,
        ),
        patterns=(STREAM, LATENCY),
        crosses=("in_place",),
        instead_of="mp-queue",
        named=True,
        runtimes=(PYTHON,),
        short="NumPy arrays",
    ),
    Case(
        "many-receivers",
        "One sender, receivers that compete",
        ("many-receivers",),
        Order(FAN_OUT, ("pipe", "sysv-queue"), processes=4),
        short="many receivers",
        many=True,
    ),
    Case(
        "many-pairs",
        "Many pairs side by side",
        ("many-pairs",),
        Order(PAIRS, _USUAL, processes=4),
        short="many pairs",
        many=True,
    ),
    Case(
        "wake-ups",
        "Waking another process",
        ("wake-ups",),
        Order(SIGNAL, ("posix-sem", "eventfd", "signal"), size=0),
        short="wake-up",
    ),
    Case(
        "counter",
        "A counter that processes share",
        ("counter",),
        Order(COUNTER, ("posix-sem", "sysv-sem"), size=0, processes=2),
        short="counter",
        many=True,
    ),
    Case(
        "set-up",
        "A channel for each request",
        ("set-up",),
        Order(SET_UP, _USUAL),
        runtimes=(PYTHON,),
        short="set-up",
    ),
    Case(
        "file-access",
        "A file: read it, or map it",
        ("file-access",),
        Order(FILE, ("file-read", "file-map")),
        patterns=(FILE, FILE_RANDOM, FILE_WRITE, FILE_WRITE_RANDOM),
        short="file",
    ),
    Case(
        "libraries",
        "A messaging library, or a Unix socket",
        ("zmq-or-unix",),
        Order(LATENCY, ("unix-stream", "zmq:ipc", "nng:ipc")),
        patterns=(LATENCY, STREAM),
        named=True,
        runtimes=(PYTHON,),
        short="library or Unix",
    ),
)
"""All cases, in the order of the page."""
