"""Experiment `waiting-cpu`: the CPU time of a process that waits for one second.

The processes that sleep wait at the same time, and then those that spin. The time in which a
process waited for a CPU, because others had it, is not counted: it would have used it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ipcbench.bench.experiments.children import Body, together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.facilities import transport
from ipcbench.bench.experiments.lacks import in_words, lack_of
from ipcbench.bench.experiments.pairs import pair
from ipcbench.bench.machine.cpu_time import waited
from ipcbench.bench.results.records import Observation
from ipcbench.bench.workers.process import usage
from ipcbench.transports.contract import Spec, Topology, Unavailable, Wait

WAIT = 1.0  # seconds
TIME = 15.0  # seconds for one group of processes
LOOP = "a loop on a variable"
SIZE = 64  # bytes of the message that ends a wait
READY, GO = 0, 1  # bytes of the shared memory


@dataclass(frozen=True, slots=True)
class Way:
    """A way of waiting: a transport and `Spec.wait`, or a loop on a variable."""

    name: str
    wait: Wait = Wait.BLOCK

    @property
    def text(self) -> str:
        return self.name if self.wait is Wait.BLOCK else f"{self.name}, {self.wait.value}"

    @property
    def spins(self) -> bool:
        return self.wait is Wait.SPIN or self.name == LOOP


WAYS = (
    Way("posix-sem"),
    Way("sysv-sem"),
    Way("futex"),
    Way("pthread-cond"),
    Way("eventfd"),
    Way("pipe"),
    Way("pipe", Wait.POLL),
    Way("pipe", Wait.SPIN_BLOCK),
    Way("pipe", Wait.SPIN),
    Way("shm:posix+futex"),
    Way("shm:posix+futex", Wait.SPIN_BLOCK),
    Way("shm:posix+futex", Wait.SPIN),
    Way(LOOP),
)


class Waited(NamedTuple):
    """A wait: its seconds, the CPU time, the time for which others had the CPU, the sleeps."""

    seconds: float
    cpu: float
    queued: float
    sleeps: int

    @property
    def share(self) -> float:
        """The CPU seconds of one second."""
        return min(1.0, self.cpu / max(self.cpu, self.seconds - self.queued))


def play(ways: Sequence[Way] = WAYS) -> Observation:
    """Measure the CPU time of each way."""
    seen = Observation(experiment=EXPERIMENT.name)
    for spins in (False, True):
        for way, found in waits([way for way in ways if way.spins == spins]).items():
            if isinstance(found, Unavailable):
                seen.rows.append({"way of waiting": way.text, "skipped": in_words(found)})
                continue
            seen.figures[f"CPU s in 1 s, {way.text}"] = found.share
            seen.rows.append(
                {
                    "way of waiting": way.text,
                    "CPU s in 1 s": found.share,
                    "waited, s": found.seconds,
                    "CPU, s": found.cpu,
                    "others had the CPU, s": found.queued,
                    "sleeps": found.sleeps,
                }
            )
    return seen


def waits(ways: Sequence[Way]) -> dict[Way, Waited | Unavailable]:
    """Have a process wait in each way, all at the same time. Raises: Stuck, ChildFailed."""
    found: dict[Way, Waited | Unavailable] = {}
    bodies: list[Body] = []
    placed: list[Way] = []
    with contextlib.ExitStack() as stack:
        for way in ways:
            memory = stack.enter_context(mmap.mmap(-1, mmap.PAGESIZE))  # shared with children
            try:
                bodies += _pair(way, memory, stack)
                placed.append(way)
            except (Unavailable, OSError) as error:
                found[way] = _lack(error)
        results = together(bodies, TIME)
    for way, waiting in zip(placed, results[::2], strict=True):
        found[way] = Waited(*waiting)
    return found


def _lack(error: Unavailable | OSError) -> Unavailable:
    """Return what the machine lacks by an error. Raises: the error, if it is a fault."""
    lack = lack_of(error)
    if lack is None:
        raise error
    return lack


def _pair(way: Way, memory: mmap.mmap, stack: contextlib.ExitStack) -> tuple[Body, Body]:
    """Return the work of the process that waits, and of the one that wakes it."""
    if way.name == LOOP:
        return partial(_waiting, _loop, memory), partial(_wake, partial(_set, memory), memory)
    found = transport(way.name)
    if not found.traits.can_wait(way.wait):
        raise Unavailable(f"{way.name} cannot wait by {way.wait.value}")
    if Topology.SIGNAL in found.traits.topologies:
        spec = Spec(0, Topology.SIGNAL, wait=way.wait)
        return stack.enter_context(
            pair(found, spec, partial(_take, memory), partial(_notify, memory))
        )
    spec = Spec(SIZE, Topology.LINK, wait=way.wait)
    return stack.enter_context(pair(found, spec, partial(_receive, memory), partial(_send, memory)))


def _waiting(wait: Any, memory: mmap.mmap) -> Waited:
    memory[READY] = 1
    before, began, queued = usage(), time.monotonic(), _queued()
    wait(memory)
    seconds, after, queued = time.monotonic() - began, usage(), _queued() - queued
    return Waited(seconds, after.cpu - before.cpu, queued, after.voluntary - before.voluntary)


def _queued() -> float:
    """Return the seconds that this process has waited for a CPU; 0 where it is not shown."""
    return waited(os.getpid()) or 0.0


def _wake(wake: Any, memory: mmap.mmap) -> None:
    while not memory[READY]:
        time.sleep(0.001)
    time.sleep(WAIT)
    wake()


def _loop(memory: mmap.mmap) -> None:
    while not memory[GO]:
        pass


def _set(memory: mmap.mmap) -> None:
    memory[GO] = 1


def _take(memory: mmap.mmap, endpoint: Any) -> Waited:
    return _waiting(lambda memory: endpoint.wait(), memory)


def _notify(memory: mmap.mmap, endpoint: Any) -> None:
    _wake(endpoint.notify, memory)


def _receive(memory: mmap.mmap, endpoint: Any) -> Waited:
    with memoryview(bytearray(SIZE)) as buffer:
        return _waiting(lambda memory: endpoint.recv_into(buffer), memory)


def _send(memory: mmap.mmap, endpoint: Any) -> None:
    message = endpoint.prepare(memoryview(bytes(SIZE)))
    _wake(lambda: endpoint.send(message), memory)


EXPERIMENT = Experiment(
    name="waiting-cpu",
    question="How much CPU time does a process use while it waits for one second?",
    statements=("semaphore-idles",),
    limit=60.0,
    usual=2.5,
    play=play,
)
