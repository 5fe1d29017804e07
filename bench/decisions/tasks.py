"""Tasks: the questions of users, the cells that answer each, and the contests of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ipcbench.bench.decisions.match import (
    Condition,
    Match,
    Side,
    alike,
    crossing,
    each_other,
    fastest,
    pair,
    waits,
)
from ipcbench.bench.results.axes import (
    ARRAY,
    BLOCK,
    COUNTER,
    CROSS_CORE_AWAKE,
    ECHO,
    FAN_IN,
    FAN_OUT,
    FILE,
    FILE_RANDOM,
    FILE_WRITE,
    FILE_WRITE_RANDOM,
    FLOOR,
    HOT,
    LATENCY,
    LATEST,
    NATIVE,
    NO_WAIT,
    PACED,
    PAIRS,
    PAIRS_LATENCY,
    POLL,
    PYTHON,
    SAME_CORE,
    SET_UP,
    SIGNAL,
    SPIN,
    STREAM,
    UNPINNED,
)
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.pace import CLOSED, has_own_rate

SMALL = 4096  # bytes: smaller messages are small, all others are large
NAMED = "named"  # the task of transports that are named to be compared
FRAME = 1 << 20  # bytes of the smallest frame


@dataclass(frozen=True, slots=True)
class Task:
    """A question of a user.

    Attributes:
        serves: the cells that answer it.
        crosses: the axis on which contests of it differ on purpose, in plain words; "": none.
    """

    name: str
    question: str
    serves: Condition
    matches: tuple[Match, ...]
    crosses: str = ""

    @property
    def statements(self) -> tuple[str, ...]:
        """The ids of the chapter's statements that its contests are about."""
        return tuple(dict.fromkeys(match.statement for match in self.matches if match.statement))


def competes(cell: Cell, facts: Facts) -> bool:
    """Tell if a cell can take part in contests, as far as is known before the first run.

    A control repeats another cell, the floor moves no data, an unguarded counter may lose
    updates, and a load of one facility is another rate than that of another one.
    """
    if has_own_rate(cell.pace):
        return False
    return not cell.is_control and facts.family != FLOOR and facts.wait != NO_WAIT


def tasks_of(cell: Cell, facts: Facts, asked: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the tasks that a cell serves, of those that are asked for; None: all but `named`."""
    names = TASKS.keys() - {NAMED} if asked is None else {*asked}
    if not competes(cell, facts):
        return ()
    return tuple(name for name in TASKS if name in names and TASKS[name].serves(cell, facts))


# Matches of several tasks.

_PIPE_OR_SOCKET = pair("pipe", "unix-stream", "pipe-beats-socket")
_IN_PLACE = Match(
    Side("in place", lambda cell, facts: facts.in_place),
    Side("copying", lambda cell, facts: not facts.in_place),
    across=("in_place",),
)


# Conditions on cells.


def _is_plain(cell: Cell) -> bool:
    """Tell if a cell has one hot message a call, no pauses, and the transport's own depth."""
    usual = (cell.batch, cell.payload, cell.pace, cell.depth, cell.looks)
    return usual == (1, HOT, CLOSED, None, None)


def _small(pattern: str) -> Condition:
    return lambda cell, facts: (
        cell.pattern == pattern and cell.size < SMALL and facts.wait == BLOCK and _is_plain(cell)
    )


def _is_lowest(cell: Cell, facts: Facts) -> bool:
    """Tell if a cell is a small round trip between processes that each have a CPU."""
    apart = cell.placement not in (SAME_CORE, UNPINNED)
    small = cell.pattern == LATENCY and cell.size < SMALL
    return small and apart and facts.wait != POLL and _is_plain(cell)


def _is_frame(cell: Cell, facts: Facts) -> bool:
    written = cell.payload not in (HOT, ARRAY)
    return cell.pattern == STREAM and written and cell.size >= FRAME


def _is_array(cell: Cell, facts: Facts) -> bool:
    return cell.payload == ARRAY and cell.pattern in (LATENCY, STREAM)


def _is_large(cell: Cell, facts: Facts) -> bool:
    one_way = cell.pattern in (LATENCY, STREAM) and cell.size >= SMALL
    usual = cell.depth is None and cell.batch == 1 and cell.pace == CLOSED
    others = _is_frame(cell, facts) or _is_array(cell, facts)
    return one_way and usual and facts.wait == BLOCK and not others


def _in(*patterns: str) -> Condition:
    return lambda cell, facts: cell.pattern in patterns and facts.wait != POLL


def _is_rare(cell: Cell, facts: Facts) -> bool:
    return cell.pattern == LATENCY and cell.pace != CLOSED


def _is_loop(cell: Cell, facts: Facts) -> bool:
    """Tell if a cell shows the loop: the same calls natively, and no idle CPU that hides it."""
    return (
        cell.placement in (SAME_CORE, CROSS_CORE_AWAKE)
        and cell.pattern in (LATENCY, STREAM)
        and not facts.differs
        and facts.wait != POLL
        and _is_plain(cell)
    )


def _among(names: Iterable[str], patterns: Iterable[str]) -> Condition:
    names, patterns = frozenset(names), frozenset(patterns)
    return lambda cell, facts: (
        cell.present.transport in names
        and cell.pattern in patterns
        and facts.wait != POLL
        and _is_plain(cell)
    )


def _is_polled(cell: Cell, facts: Facts) -> bool:
    return cell.pattern == LATENCY and facts.wait in (BLOCK, POLL) and _is_plain(cell)


def _is_queue(cell: Cell, facts: Facts) -> bool:
    return cell.pattern == STREAM and cell.depth is not None


def _is_batched(cell: Cell, facts: Facts) -> bool:
    return cell.pattern in (STREAM, PAIRS, FAN_IN) and cell.payload == HOT and cell.depth is None


_MP_QUEUE, _PICKLED = "mp-queue", "mp-pipe-pickle"
_INSTEAD = ("mp-pipe", "mp-simple-queue", "posix-queue", "unix-stream")
_WITHOUT_MEMORY = ("pipe", "unix-stream", "queue")  # ways to hand on a newest value
_MANY, _ONE_TO_ONE = (FAN_IN, FAN_OUT, ECHO), (LATENCY, STREAM)
_INTERFACES = (
    alike("shm:sysv+posix-sem", "shm:posix+posix-sem", "sysv-is-posix, memory"),
    alike("sysv-queue", "posix-queue", "sysv-is-posix, queues"),
    alike("shm:posix+sysv-sem", "shm:posix+posix-sem", "sysv-is-posix, semaphores"),
    alike("fifo", "pipe", "fifo-is-pipe"),
)
_SEMAPHORES = alike("sysv-sem", "posix-sem", "sysv-is-posix, semaphores")

_ALL = (
    Task(
        NAMED,
        "The transports that were named: which is faster in what, and by how much?",
        lambda cell, facts: True,
        (each_other("wait", "looks", "in_place"),),
        crosses="the way of waiting, and the place of reading",
    ),
    Task(
        "small-one-way",
        "Small messages in one direction: which facility takes the least time for each?",
        _small(STREAM),
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "small-request",
        "A small request and its answer, with receivers that sleep: which facility is fastest?",
        _small(LATENCY),
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "lowest-latency",
        "The lowest latency, with a core to burn: which facility, and what does spinning bring?",
        _is_lowest,
        (
            fastest("wait", "looks", statement=""),
            crossing("wait", Side("spin", waits(SPIN)), Side("block", waits(BLOCK))),
        ),
        crosses="the way of waiting",
    ),
    Task(
        "rare-requests",
        "A request now and then: which facility answers first after a pause?",
        _is_rare,
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "steady-rate",
        "Messages at a given rate: which facility delivers each of them soonest?",
        _in(PACED),
        (fastest(statement=""), pair("pipe", "unix-stream")),
    ),
    Task(
        "frames",
        "Frames of video: which facility, and does it pay to read them in place?",
        _is_frame,
        (fastest(), _IN_PLACE),
        crosses="the place of reading",
    ),
    Task(
        "arrays",
        "NumPy arrays: what instead of multiprocessing.Queue, and what does pickling cost?",
        _is_array,
        (
            pair(_PICKLED, _MP_QUEUE),
            pair("shm:posix+futex", _MP_QUEUE),
            pair("mp-pipe-pickle5", _PICKLED),
            pair("mp-pipe", "mp-pipe-pickle5"),
            _IN_PLACE,
        ),
        crosses="the place of reading",
    ),
    Task(
        "large-messages",
        "From which size on does shared memory win?",
        _is_large,
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "many-senders",
        "Many senders and one receiver: which facility is fastest?",
        _in(FAN_IN),
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "many-clients",
        "One server and many clients: which facility is fastest?",
        _in(ECHO),
        (fastest(), pair("unix-stream", "pipe", "socket-scales")),
    ),
    Task(
        "many-receivers",
        "One sender, and receivers that compete for its messages: which facility is fastest?",
        _in(FAN_OUT),
        (pair("pipe", "sysv-queue"), pair("pipe", "unix-dgram")),
    ),
    Task(
        "newest-value",
        "One writer and many readers of the newest value: which facility is fastest?",
        _in(LATEST),
        tuple(pair("latest:seqlock", f"latest:{other}") for other in _WITHOUT_MEMORY),
    ),
    Task(
        "many-pairs",
        "Many pairs of processes at once: which facility is fastest?",
        _in(PAIRS, PAIRS_LATENCY),
        (fastest(), _PIPE_OR_SOCKET),
    ),
    Task(
        "wake-ups",
        "A wake-up without data: which facility is fastest?",
        _in(SIGNAL),
        (_SEMAPHORES, pair("posix-sem", "eventfd"), pair("eventfd", "signal")),
    ),
    Task(
        "counter",
        "A counter that several processes share: which guard is fastest?",
        _in(COUNTER),
        (_SEMAPHORES, pair("pthread-mutex", "posix-sem")),
    ),
    Task(
        "set-up",
        "Setting up a channel for each request: which facility takes the least time?",
        _in(SET_UP),
        # None with shared memory: its ring makes a view of each slot, which is Python's work.
        (pair("pipe", "unix-stream"), pair("unix-stream", "tcp")),
    ),
    Task(
        "file-access",
        "A file in memory: read and write it, or map it?",
        _in(FILE, FILE_RANDOM, FILE_WRITE, FILE_WRITE_RANDOM),
        (
            pair("file-map", "file-read", "mmap-saves-io"),
            pair("file-map", "file-pread", "mmap-saves-io"),
        ),
    ),
    Task(
        "python-cost",
        "What does Python cost beside C, with the same calls?",
        _is_loop,
        (
            crossing(
                "runtime",
                Side(NATIVE, lambda cell, facts: cell.runtime == NATIVE),
                Side(PYTHON, lambda cell, facts: cell.runtime == PYTHON),
            ),
        ),
        crosses="the runtime",
    ),
    Task(
        "instead-of-mp-queue",
        "What instead of multiprocessing.Queue, and what does pickling cost?",
        _among((_MP_QUEUE, *_INSTEAD, _PICKLED), (*_ONE_TO_ONE, *_MANY)),
        (*(pair(name, _MP_QUEUE) for name in _INSTEAD), pair("mp-pipe", _PICKLED)),
    ),
    Task(
        "unix-or-tcp",
        "A Unix socket or TCP within a machine?",
        _among(("unix-stream", "tcp"), (*_ONE_TO_ONE, *_MANY)),
        (pair("unix-stream", "tcp", "unix-vs-tcp"),),
    ),
    Task(
        "zmq-or-unix",
        "A messaging library, or a Unix socket?",
        _among(("unix-stream", "zmq:ipc", "nng:ipc"), _ONE_TO_ONE),
        (pair("unix-stream", "zmq:ipc"), pair("unix-stream", "nng:ipc")),
    ),
    Task(
        "sysv-or-posix",
        "System V or POSIX, a FIFO or a pipe: does the interface matter?",
        _among(
            (side.name for match in _INTERFACES for side in (match.first, match.second)),
            (*_ONE_TO_ONE, *_MANY),
        ),
        _INTERFACES,
    ),
    Task(
        "poll-cost",
        "What does poll(2) before each read cost?",
        _is_polled,
        (crossing("wait", Side(BLOCK, waits(BLOCK)), Side(POLL, waits(POLL))),),
        crosses="the way of waiting",
    ),
    Task(
        "queue-depth",
        "What does a deeper queue bring?",
        _is_queue,
        (
            crossing(
                "depth",
                Side("deeper", lambda cell, facts: cell.depth != 1),
                Side("one message", lambda cell, facts: cell.depth == 1),
            ),
        ),
        crosses="the depth",
    ),
    Task(
        "batches",
        "What do several messages in a call bring?",
        _is_batched,
        (
            crossing(
                "batch",
                Side("several a call", lambda cell, facts: cell.batch > 1),
                Side("one a call", lambda cell, facts: cell.batch == 1),
            ),
        ),
        crosses="the messages of a call",
    ),
)

TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
"""Name of a task, as people type it -> the task."""
