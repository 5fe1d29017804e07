"""Experiment `unsignalled-reads`: values in shared memory that a reader misses, repeats or tears.

Nothing tells a reader when there is something new: shm_overview(7) leaves the synchronization to
the processes, for example to semaphores, sem_overview(7). With two of them, one for a new value
and one for the room, each value is read once and whole.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Protocol

from ipcbench.bench.experiments.children import Body, together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.experiments.meeting import Meeting, meeting
from ipcbench.bench.results.entries.bounds import Number
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.shm.kinds import SEGMENTS, WAITERS

VALUES = 1000  # that are written
SIZE = 256 * 1024  # bytes of a value: its number, over and over
TIME = 8.0  # seconds for the values of one row, which take tenths of one
WITHOUT = "without a signal"
_NUMBER = struct.Struct("=Q")


class Counter(Protocol):
    """A semaphore, as much of a `Waiter` as is used here."""

    @property
    def notify(self) -> Callable[[], object]: ...
    @property
    def wait(self) -> Callable[[], object]: ...
    def close(self) -> None: ...
    def unlink(self) -> None: ...


Create = Callable[[int], Counter]
"""A function that creates a semaphore of an initial value."""


@dataclass(slots=True)
class Reads:
    """The values as the reader found them."""

    whole: int = 0  # different values, not torn
    twice: int = 0
    torn: int = 0
    reads: int = 0
    last: int = 0  # the newest value


def _semaphores(name: str) -> Create:
    return lambda initial: WAITERS[name].create(initial, None)


SIGNALS: dict[str, Create | None] = {
    WITHOUT: None,
    "posix-sem": _semaphores("posix-sem"),
    "sysv-sem": _semaphores("sysv-sem"),
}


def play(signals: Mapping[str, Create | None] = SIGNALS) -> Observation:
    """Write values by one process, and read them by another, without and with semaphores."""
    seen = Observation(experiment=EXPERIMENT.name)
    seen.figures |= {"values written": VALUES, "size of a value, bytes": SIZE}
    for name, create in signals.items():
        try:
            reads = read_with(create)
        except Unavailable as lack:
            seen.rows.append({"signal": name, "skipped": in_words(lack)})
            continue
        found: dict[str, Number] = {
            "values missed": VALUES - reads.whole,
            "values read twice": reads.twice,
            "torn reads": reads.torn,
        }
        seen.figures |= {f"{column}, {name}": number for column, number in found.items()}
        seen.rows.append({"signal": name, "reads": reads.reads, **found})
    return seen


def read_with(create: Create | None) -> Reads:
    """Play one row. `create` None: without semaphores. Raises: Unavailable, Stuck, ChildFailed."""
    with ExitStack() as stack:
        counters = None
        if create is not None:
            counters = _made(create, 0, stack), _made(create, 1, stack)
        segment = SEGMENTS["memfd"].create(SIZE, None)
        stack.callback(segment.close)
        place = stack.enter_context(meeting(2))
        memory = segment.memory
        bodies: list[Body] = [
            partial(_write, memory, counters, place),
            partial(_read, memory, counters, place),
        ]
        return Reads(**together(bodies, TIME)[1])


def _made(create: Create, initial: int, stack: ExitStack) -> Counter:
    made = create(initial)
    stack.callback(made.unlink)
    stack.callback(made.close)
    return made


Counters = tuple[Counter, Counter] | None
"""The semaphores of new values and of room."""


def _write(memory: memoryview, counters: Counters, place: Meeting) -> None:
    place.meet(0)
    for number in range(1, VALUES + 1):
        value = _NUMBER.pack(number) * (SIZE // _NUMBER.size)
        if counters is not None:
            counters[1].wait()
        memory[:SIZE] = value
        if counters is not None:
            counters[0].notify()


def _read(memory: memoryview, counters: Counters, place: Meeting) -> dict[str, int]:
    """Read as often as there are values; without a signal, until the last value is there."""
    found = Reads()
    place.meet(1)
    while found.reads < VALUES if counters is not None else found.last < VALUES:
        if counters is not None:
            counters[0].wait()
        value = bytes(memory[:SIZE])
        if counters is not None:
            counters[1].notify()
        _note(found, value)
    return asdict(found)


def _note(found: Reads, value: bytes) -> None:
    """Count a read value; zeros are no value yet."""
    found.reads += 1
    (number,) = _NUMBER.unpack_from(value)
    if value != value[: _NUMBER.size] * (SIZE // _NUMBER.size):
        found.torn += 1
    elif number and number == found.last:
        found.twice += 1
    elif number:
        found.whole += 1
        found.last = number


EXPERIMENT = Experiment(
    name="unsignalled-reads",
    question="How many values does a reader of shared memory miss, repeat or tear unsignalled?",
    statements=("shm-needs-signal",),
    limit=40.0,
    usual=0.5,
    play=play,
)
