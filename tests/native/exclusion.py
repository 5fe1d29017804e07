"""Checks of the guards and the counter in shared memory, and faults that they must find.

Processes on one CPU preempt each other inside; on several, they are inside at a time.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack

from ipcbench.transports.contract import Limits, Spec, Topology, Transport, WouldBlock
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.registry import get
from ipcbench.transports.sync.memory_waiter import MemoryWaiter
from ipcbench.transports.testing.actors import Actor, eventually
from ipcbench.transports.testing.participants import Participants
from ipcbench.transports.testing.subject import Subject
from ipcbench.transports.testing.synchronisation import GuardTests, take_turns
from tests.native.ring_breaks import Break

MUTEXES = ("pthread-mutex", "robust-mutex", "futex-mutex", "spin-lock")
COND = "pthread-cond"
TURNS = 5000
STEALS = 100

MUTEX, KINDS = "transports/native/mutex.h", "transports/native/memory_kinds.c"
COUNTER = "transports/native/cond_counter.h"

# A store after the look: another process runs in between, so that it looks at the same word.
SET_LATER = "(sched_yield(), *(volatile uint32_t *)word = 1)"

# `shape`: the check, and the transport.
BREAKS = (
    Break("mutex: private to a process", MUTEX, "ipcbench_mutex_init(", "PTHREAD_PROCESS_SHARED",
          "PTHREAD_PROCESS_PRIVATE", "updates pthread-mutex"),
    Break("mutex: it does not lock", KINDS, "mutex_acquire(void",
          "ipcbench_mutex_lock(((struct memory_user *)ctx)->place)", "ctx == NULL",
          "updates pthread-mutex"),
    Break("mutex: not robust", MUTEX, "ipcbench_mutex_init(", "!failed && robust", "0",
          "killed robust-mutex"),
    Break("mutex: not made consistent", MUTEX, "ipcbench_mutex_entered(",
          "found = pthread_mutex_consistent(mutex);", "found = 0;", "killed robust-mutex"),
    Break("futex: no exchange", MUTEX, "ipcbench_futex_mutex_try(uint32_t",
          "__atomic_compare_exchange_n(word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)",
          f"seen == *word && {SET_LATER}", "updates futex-mutex"),
    Break("futex: no wake-up", MUTEX, "ipcbench_futex_mutex_unlock(", "ipcbench_futex_wake(word);",
          "", "updates futex-mutex"),
    Break("futex: it sleeps unannounced", MUTEX, "ipcbench_futex_mutex_sleep(uint32_t",
          "seen == 2 || (seen == 1 &&", "seen == 3 || (seen == 4 &&", "inside futex-mutex"),
    Break("futex: locked as if none sleeps", MUTEX, "seen = 0; /* lock", "&seen, 2, 0",
          "&seen, 1, 0", "updates futex-mutex"),
    Break("spin: a test without a set", MUTEX, "ipcbench_spin_try(uint32_t",
          "__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) == 0",
          SET_LATER, "updates spin-lock"),
    Break("cond: private to a process", COUNTER, "ipcbench_counter_init(", "PTHREAD_PROCESS_SHARED",
          "PTHREAD_PROCESS_PRIVATE", "turns pthread-cond"),
    Break("cond: no loop over its predicate", COUNTER, "ipcbench_counter_take(struct",
          "while (failed == 0", "if (failed == 0", "stolen pthread-cond"),
    Break("cond: a token that is not there", COUNTER, "ipcbench_counter_taken(struct",
          "if (counter->tokens > 0) {", "{", "stolen pthread-cond"),
    Break("cond: the signal before the token", COUNTER, "ipcbench_counter_add(struct",
          "    counter->tokens++;\n    failed = ipcbench_mutex_unlock(&counter->mutex);\n"
          "    return failed < 0 ? failed : -pthread_cond_signal(&counter->added);",
          "    ipcbench_mutex_unlock(&counter->mutex);\n"
          "    pthread_cond_signal(&counter->added);\n    ipcbench_mutex_lock(&counter->mutex);\n"
          "    counter->tokens++;\n    return ipcbench_mutex_unlock(&counter->mutex);",
          "turns pthread-cond"),
    Break("cond: its mutex is not robust", COUNTER, "ipcbench_counter_init(",
          "ipcbench_mutex_init(&counter->mutex, 1)", "ipcbench_mutex_init(&counter->mutex, 0)",
          "abandoned pthread-cond"),
)  # fmt: skip


def _subject(name: str) -> Subject:
    transport = get(name)
    assert isinstance(transport, Transport)
    limits = transport.probe()
    assert isinstance(limits, Limits), limits
    return Subject(transport, limits, native=True)


def updates(name: str) -> None:
    GuardTests().test_updates(_subject(name))


def inside(name: str) -> None:
    GuardTests().test_one_inside_at_a_time(_subject(name))


def killed(name: str) -> None:
    GuardTests().test_holder_killed(_subject(name))


def turns(name: str) -> None:
    """Notify each other in turn."""
    spec = Spec(0, Topology.SIGNAL, native=True)
    with Participants(_subject(name).transport, spec) as crew:
        client, server = crew.actors
        server.begin(take_turns, TURNS, False)
        client.do(take_turns, TURNS, True)
        server.answer()


def _opened(memory: mmap.mmap) -> MemoryWaiter:
    return MemoryWaiter(COND, memoryview(memory), None)


def _take(waiter: MemoryWaiter) -> None:
    """Take a token as a compiled loop does."""
    counter = waiter.native(WaitPolicy())
    operations.Calls(operations.signal(None, counter, counter)).wait()


def _take_if_there(waiter: MemoryWaiter) -> bool:
    try:
        waiter.try_wait()
    except WouldBlock:
        return False
    return True


def _give(waiter: MemoryWaiter) -> None:
    waiter.notify()


def stolen(name: str) -> None:
    """Take tokens before the process that each of them wakes: it sleeps on."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory, ExitStack() as stack:
        waiter = MemoryWaiter(name, memoryview(memory), 0)
        stack.callback(waiter.close)
        sleeper = stack.enter_context(Actor(lambda: _opened(memory)))
        assert not _take_if_there(waiter), "a token that is not there"
        for _ in range(STEALS):
            sleeper.begin(_take)
            assert sleeper.waits(0.002)
            assert eventually(sleeper.asleep)
            waiter.notify()
            if _take_if_there(waiter):
                assert sleeper.waits(0.005), "it returned without a token"
                waiter.notify()
            sleeper.answer()


def _lock(memory: mmap.mmap) -> None:
    """Lock the mutex of the counter, which it begins with."""
    mutex = ctypes.c_char.from_buffer(memory)
    assert ctypes.CDLL(None).pthread_mutex_lock(ctypes.byref(mutex)) == 0


def abandoned(name: str) -> None:
    """Kill a process inside the counter: the others go on, and it counts right."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory, ExitStack() as stack:
        waiter = MemoryWaiter(name, memoryview(memory), 0)
        stack.callback(waiter.close)
        other = stack.enter_context(Actor(lambda: _opened(memory)))
        for _ in range(2):
            holder = stack.enter_context(Actor(lambda: _lock(memory)))
            assert eventually(holder.asleep)
            other.begin(_give)
            assert other.waits(0.05)
            holder.kill()
            other.answer()
            other.do(_take)
            assert not other.do(_take_if_there)


CHECKS: dict[str, Callable[[str], None]] = {
    check.__name__: check for check in (updates, inside, killed, turns, stolen, abandoned)
}
ALL = (
    *(f"{check} {name}" for check in ("updates", "inside", "killed") for name in MUTEXES),
    *(f"{check} {COND}" for check in ("turns", "stolen", "abandoned")),
)


def run(what: str) -> None:
    """Run a check, named as in `ALL`. Raises: AssertionError, Stuck, Died, OSError."""
    check, name = what.split()
    CHECKS[check](name)


def find(what: str, seed: str, seconds: float) -> str:
    """Repeat a check until it fails or the time is over, on one CPU and on all: see breaks.py."""
    began, count = time.monotonic(), 0
    cpus = sorted(os.sched_getaffinity(0))
    draw = random.Random(seed)
    while time.monotonic() - began < seconds:
        count += 1
        os.sched_setaffinity(0, draw.choice((cpus, cpus[:1])))
        try:
            run(what)
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return f"found in case {count}: {said[:120]}"
    return f"{count} cases"
