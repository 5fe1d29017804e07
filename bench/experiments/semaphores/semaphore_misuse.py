"""Experiment `semaphore-misuse`: a P without a V, and a holder that is killed before its V.

A process that waits for ever is found by a deadline, and named with the kernel's function in which
it sleeps.
"""

from __future__ import annotations

import contextlib
import mmap
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ipcbench.bench.experiments import sleepers
from ipcbench.bench.experiments.children import Child, ChildFailed
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.facilities import channel_of, transport
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.machine.text import text_of
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Role, Spec, Ticket, Topology, Transport, Unavailable
from ipcbench.transports.sync.sysv_semaphore import SysvSemaphores
from ipcbench.transports.sync.transport import Signalling

ATTACH = 2.0  # seconds
GRACE = 0.25  # seconds; a process that sleeps behind them, and goes on, does so for ever
LONGEST = 8.0  # seconds for a process that neither ends nor sleeps: a busy machine
LOOKS = 5  # at a process, each of which finds it in the same sleep
BETWEEN = 0.01  # seconds between two looks
READY, GO = 0, 1  # bytes of the shared memory


def without_undo() -> Transport:
    """Return System V semaphores that a kill leaves as they are."""
    kind = SysvSemaphores(undo=False)
    missing = kind.probe()
    if missing is not None:
        raise missing
    return Signalling(kind, kind)


Makers = Mapping[str, Callable[[], Transport]]

SEMAPHORES: Makers = {name: partial(transport, name) for name in ("posix-sem", "sysv-sem")}
GUARDS: Makers = {
    "posix-sem": partial(transport, "posix-sem"),
    "sysv-sem without SEM_UNDO": without_undo,
    "sysv-sem with SEM_UNDO": partial(transport, "sysv-sem"),
    "pthread-mutex": partial(transport, "pthread-mutex"),
    "robust-mutex": partial(transport, "robust-mutex"),
    "flock": partial(transport, "flock"),
}


def play(semaphores: Makers = SEMAPHORES, guards: Makers = GUARDS) -> Observation:
    """Misuse each semaphore, and kill the holder of each guard. Raises: Unavailable."""
    sleepers.check()
    seen = Observation(experiment=EXPERIMENT.name)
    for case, misuse, makers in (
        ("P without V", take_twice, semaphores),
        ("holder killed", kill_holder, guards),
    ):
        for name, make in makers.items():
            try:
                stuck = misuse(make())
            except Unavailable as missing:
                seen.rows.append({"case": case, "guard": name, "skipped": in_words(missing)})
                continue
            outcome = f"waits for ever: {stuck}" if stuck else "goes on"
            seen.rows.append({"case": case, "guard": name, "the next process": outcome})
            seen.figures[f"{case}: waits for ever, {name}"] = float(bool(stuck))
            if stuck:
                seen.texts[f"{case}, {name}"] = stuck
    return seen


def take_twice(guard: Transport) -> str:
    """Have a process take a guard twice; return what it waits in, "" if it goes on."""
    with _channel(guard) as (tickets, _), Child(partial(_twice, guard, tickets[0])) as child:
        return waits_for_ever(child)


def kill_holder(guard: Transport) -> str:
    """Kill a process that holds a guard; return what the next one waits in, "" if it enters."""
    with (
        _channel(guard) as (tickets, memory),
        Child(partial(_hold, guard, tickets[0], memory)) as holder,
        Child(partial(_enter, guard, tickets[1], memory)) as second,
    ):
        deadline = time.monotonic() + LONGEST
        while not memory[READY]:
            if holder.ends(time.monotonic() + BETWEEN) or time.monotonic() > deadline:
                holder.result()
                raise ChildFailed("the holder of the guard did not enter it")
        holder.kill()
        memory[GO] = 1
        return waits_for_ever(second)


def waits_for_ever(child: Child) -> str:
    """Wait for a child; return what it sleeps in if it goes on doing so, "" if it has ended.

    Raises: ChildFailed.
    """
    began = time.monotonic()
    if child.ends(began + GRACE):
        child.result()
        return ""
    looks, sleep = 0, ""
    while looks < LOOKS:
        if child.ends(time.monotonic() + BETWEEN):
            child.result()
            return ""
        if time.monotonic() > began + LONGEST:
            raise ChildFailed("a child neither ends nor sleeps")
        before, sleep = sleep, sleepers.sleep_of(child.pid)
        looks = 0 if not sleep else looks + 1 if sleep == before else 1
    return f"caught after {time.monotonic() - began:.1f} s, asleep{_where(child.pid)}"


def _where(pid: int) -> str:
    """Name the kernel's function in which a process sleeps, if it is shown: proc_pid_wchan(5)."""
    found = text_of(Path(f"/proc/{pid}/wchan")).strip()
    return f" in {found}" if found not in ("", "0") else ""


@contextlib.contextmanager
def _channel(guard: Transport) -> Iterator[tuple[list[Ticket], mmap.mmap]]:
    """Yield the tickets of two members, and memory that they share."""
    seats = [(Role.MEMBER, index) for index in range(2)]
    with (
        channel_of(guard, Spec(0, Topology.GUARD, 2), seats) as tickets,
        mmap.mmap(-1, mmap.PAGESIZE) as memory,  # mmap(2), MAP_SHARED
    ):
        yield tickets, memory


def _twice(guard: Transport, ticket: Ticket) -> None:
    member: Any = guard.attach(ticket, time.monotonic() + ATTACH)
    member.acquire()
    member.acquire()


def _hold(guard: Transport, ticket: Ticket, memory: mmap.mmap) -> None:
    member: Any = guard.attach(ticket, time.monotonic() + ATTACH)
    member.acquire()
    memory[READY] = 1
    signal.pause()


def _enter(guard: Transport, ticket: Ticket, memory: mmap.mmap) -> None:
    member: Any = guard.attach(ticket, time.monotonic() + ATTACH)
    while not memory[GO]:
        time.sleep(0.001)
    member.acquire()
    member.release()
    member.close()


EXPERIMENT = Experiment(
    name="semaphore-misuse",
    question="Does the next process wait for ever after a P without a V, or when the holder is "
    "killed?",
    statements=("semaphore-deadlock", "sysv-is-posix"),
    limit=60.0,
    usual=2.5,
    play=play,
)
