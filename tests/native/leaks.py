"""Leaks of the compiled parts: objects are made and dropped hundreds of times.

LeakSanitizer checks at the end of a process, where CPython leaves much allocated. So the
allocated bytes are counted with mallinfo2(3) before and after these rounds, in a process
whose Python allocates with malloc(3) too (PYTHONMALLOC). malloc's caches of each thread are
off (tcache_count, mallopt(3)), since mallinfo2 counts their blocks as allocated. References,
open descriptors and mappings are compared as well.

    env PYTHONMALLOC=malloc GLIBC_TUNABLES=glibc.malloc.tcache_count=0 python -m tests.native.leaks
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.transports.base.bindings import posix_ipc
from ipcbench.transports.contract import Limits, Spec, Topology, Transport, Wait
from ipcbench.transports.kernel_objects import fresh_name
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.native import WaitPolicy, native_of, operations
from ipcbench.transports.registry import get
from ipcbench.transports.testing.participants import seats
from tests.sampling import SOAK

TIMES = 1000 if SOAK else 400
WARM = 100  # rounds before the first count: blocks that are kept once are not a leak
DEPTH = 4
SPARE = 8  # bytes a round: less than the smallest block
KINDS = (
    "pipe", "unix-stream", "unix-dgram", "socketpair:dgram", "sysv-queue", "posix-queue",
    "shm:posix+posix-sem", "shm:memfd+eventfd", "shm:sysv+sysv-sem", "shm:posix+futex",
    "shm:memfd+eventfd-counted", "shm:memfd+spin", "shm:posix+posix-sem/in-place",
    "shm:memfd+spin/in-place", "posix-sem", "sysv-sem", "eventfd", "futex", "signal", "flock",
    "unguarded", "null", "pthread-cond", "robust-mutex", "futex-mutex", "spin-lock",
    "shm:memfd+pthread-cond", "memfd-passed", "memfd-passed/in-place", "memfd-pool",
    "memfd-pool/in-place", "process-vm", "vmsplice", "file-read", "file-map", "file-map:anew",
    "latest:seqlock", "latest:buffers",
)  # fmt: skip
TOPOLOGIES = (
    Topology.LINK, Topology.FAN_IN, Topology.HUB, Topology.SIGNAL, Topology.GUARD, Topology.FILE,
    Topology.NEWEST,
)  # fmt: skip


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    ]  # fmt: skip


@dataclass(frozen=True)
class Act:
    """An action; `watched`: objects whose reference counts must not grow."""

    name: str
    call: Callable[[], object]
    watched: Sequence[object] = ()


def in_use() -> int:
    """Return the allocated bytes. Raises: AttributeError without glibc 2.33 or later."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


def _held(act: Act) -> dict[str, int]:
    gc.collect()
    counts = {
        "bytes": in_use(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mappings": len(Path("/proc/self/maps").read_text().splitlines()),
    }
    return counts | {
        f"references to {type(one).__name__} {place}": sys.getrefcount(one)
        for place, one in enumerate(act.watched)
    }


def left(act: Act) -> str:
    """Run `TIMES` rounds; return a description of all that they leave, or ""."""
    for _ in range(WARM):
        act.call()
    before = _held(act)
    for _ in range(TIMES):
        act.call()
    after = _held(act)
    more = {what: after[what] - before[what] for what in before}
    allowed = {"bytes": SPARE * TIMES}
    kept = [
        f"{count} {what}" for what, count in more.items() if count > allowed.get(what, TIMES // 10)
    ]
    return f"{act.name}: {', '.join(kept)} after {TIMES} rounds" if kept else ""


# Endpoints, whose capsules are made and dropped.


def _together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make each call in a thread of its own: an `attach` may wait for the others."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def attached(
    transport: Transport, topology: Topology, stack: ExitStack, wait: Wait = Wait.BLOCK
) -> list[Any]:
    """Attach all ends of a channel in this process."""
    parties = 2 if topology in (Topology.LINK, Topology.SIGNAL) else 3
    carries = topology not in (Topology.SIGNAL, Topology.GUARD)
    spec = Spec(64 if carries else 0, topology, parties, wait=wait, native=True)
    channel = transport.create(spec)
    stack.callback(channel.unlink)
    stack.callback(channel.close)
    tickets = [channel.ticket(*seat) for seat in seats(spec)]
    deadline = time.monotonic() + 10
    ends = _together([partial(transport.attach, ticket, deadline) for ticket in tickets])
    for end in ends:
        stack.callback(end.close)
    hellos = [end.hello() for end in ends]
    if hellos[0] == os.getpid():  # a signal must go to another process
        hellos[0] = os.getppid()
    _together([partial(end.connect, hellos, deadline) for end in ends])
    return ends


def _dropped(ends: list[Any]) -> Callable[[], None]:
    def call() -> None:
        for end in ends:
            calls = operations.Calls(end.native())
            if "read_at" in calls.has():
                calls.read_at(bytearray(8), 0)
            native_of(end).capsule = None

    return call


def kinds(stack: ExitStack) -> Iterator[Act]:
    for name in KINDS:
        transport = get(name)
        assert isinstance(transport, Transport)
        limits = transport.probe()
        if not isinstance(limits, Limits):
            print(f"{name}: not here: {limits.reason}", file=sys.stderr)
            continue
        for topology in TOPOLOGIES:
            if topology in transport.traits.topologies:
                for wait in (Wait.BLOCK, Wait.SPIN) if transport.traits.spins else (Wait.BLOCK,):
                    ends = attached(transport, topology, stack, wait)
                    yield Act(f"{name} as a {topology.value}, {wait.value}", _dropped(ends), ends)


# Calls.


def refusing(call: Callable[..., object], *arguments: object) -> Callable[[], None]:
    def attempt() -> None:
        with suppress(TypeError, ValueError, OSError, BufferError, OverflowError):
            call(*arguments)
            raise AssertionError(f"{call} takes {arguments}")

    return attempt


def builders(stack: ExitStack) -> Iterator[Act]:
    """Yield calls of builders that fail after they have allocated something."""
    memory = bytearray(8192)
    how, policy = operations.eventfd(0, WaitPolicy()), WaitPolicy()
    own, lane, beyond = (0, how), (256, (128, how)), (8128, (128, how))
    plan: tuple[Any, ...] = (None, memory, 64, 4)
    waiter, shared = operations.MemoryWaiter, bytearray(4096)
    ring, counted = operations.ring, operations.counted_ring
    for name, call, *arguments in (
        ("a ring out of bounds", ring, *plan, (), (beyond,), 0, 0, own, policy),
        ("a ring, a second lane", ring, *plan, (lane,), (beyond,), 0, 0, own, policy),
        ("a ring of no policy", ring, *plan, (), (lane,), 0, 0, own, (0, 0)),
        ("a ring of no lanes", ring, *plan, (), (), 0, 0, own, policy),
        ("a ring read-only", ring, None, bytes(8192), 64, 4, (), (lane,), 0, 0, own, policy),
        ("a ring by no counter", ring, *plan, (), (lane,), 0, 0, (0, 7), policy),
        ("a ring of no doorbell", ring, *plan, (), (lane,), 0, 0, (8192, how), policy),
        ("a ring of half a doorbell", ring, *plan, (), ((256, (128,)),), 0, 0, own, policy),
        ("counted out of bounds", counted, *plan, (), ((8128, how, how, 0),), 0, 0),
        ("counted by no waiter", counted, *plan, (), ((0, how, None, 0),), 0, 0),
        ("counted of no lane", counted, *plan, ((1, 2),), (), 0, 0),
        ("a link of no sockets", operations.memfd_passed, None, -1, -1, 64, 4, 1, policy),
        (
            "slots that are too small",
            operations.memfd_pool,
            None,
            0,
            0,
            64,
            (memory,),
            (b"1",),
            0,
            policy,
        ),
        ("a reader of no sockets", operations.process_vm, None, -1, -1, 1, 64, policy),
        ("a file whose map is short", operations.file_access, None, 0, memory, 1 << 20, 2),
        ("a file whose map is read-only", operations.file_access, None, 0, b"1", 1, 2),
        ("a file without its map", operations.file_access, None, 0, None, 1, 2),
        ("a signal of no waiter", operations.signal, None, how, 7),
        ("a guard of no waiter", operations.guard, None, 7),
        ("no such way of waiting", operations.eventfd, 0, 9),
        ("no such semaphore", operations.posix_semaphore, "/no-such-name", policy),
        ("a capsule of something else", operations.Calls, how),
        ("a mutex in too few bytes", waiter, "pthread-mutex", bytearray(8), 1, policy),
        ("a mutex read-only", waiter, "futex-mutex", bytes(128), 1, policy),
        ("a mutex of no kind", waiter, "no-mutex", memory, 1, policy),
        ("a count below 0", waiter, "pthread-cond", memory, -1, policy),
        ("a guard of a counter", waiter("pthread-cond", shared, 0, policy).guard, None),
    ):
        yield Act(f"refused: {name}", refusing(call, *arguments), (memory, how))


def rings(stack: ExitStack) -> Iterator[Act]:
    """Yield actions that make seats at rings: an endpoint keeps its one seat."""
    memory, owner = mmap.mmap(-1, 8192), object()
    fds = [os.eventfd(count, os.EFD_SEMAPHORE | os.EFD_CLOEXEC) for count in (DEPTH, 0)]
    for fd in fds:
        stack.callback(os.close, fd)
    free_slots, used_slots = (operations.eventfd(fd, WaitPolicy()) for fd in fds)
    policy, plan = WaitPolicy(looks=0), (owner, memory, 64, DEPTH)
    own, other = (0, used_slots), (128, free_slots)
    kinds_of = {
        "a ring": (operations.ring, [(256, other), (2048, other)], [own, policy]),
        "a counted ring": (
            operations.counted_ring,
            [(at, free_slots, used_slots, 0) for at in (0, 2048)],
            [],
        ),
    }
    for name, (build, lanes, more) in kinds_of.items():
        one, two = tuple(lanes[:1]), tuple(lanes)
        watched = memory, owner, free_slots, used_slots, one, two, own, other
        hub, link = (build, *plan, two, two, 1, 0, *more), (build, *plan, one, one, 0, 1, *more)
        yield Act(f"a server's seat at {name}", partial(*hub), watched)
        yield Act(f"a seat at {name}", partial(*link), watched)
        capsule = partial(*link)()  # it receives its own messages
        owned = partial(operations.with_owner, owner, capsule)
        yield Act(f"an owner of {name}", owned, (owner, capsule))
        yield Act(f"what {name} shows", _looking(capsule), (capsule, memory))
    both = partial(operations.word_signal, owner, memory, 0, 64, policy)
    yield Act("an end of two words", both, (memory, owner))


def _looking(capsule: object) -> Callable[[], None]:
    calls = operations.Calls(capsule)

    def call() -> None:
        calls.loan(64)[:] = bytes(64)
        calls.commit(64)
        assert calls.peek() == bytes(64)
        calls.release()

    return call


def semaphores(stack: ExitStack) -> Iterator[Act]:
    if posix_ipc is None:
        return

    def call() -> None:
        name = "/" + fresh_name()
        semaphore = posix_ipc.Semaphore(name, posix_ipc.O_CREX)
        semaphore.close()
        operations.posix_semaphore(name, WaitPolicy())
        posix_ipc.unlink_semaphore(name)

    yield Act("a waiter of a name", call)


def in_memory(stack: ExitStack) -> Iterator[Act]:
    """Yield actions that make, use and close waiters in memory."""
    memory, owner, policy = mmap.mmap(-1, 8192), object(), WaitPolicy()
    for kind in ("pthread-cond", "pthread-mutex", "robust-mutex", "futex-mutex", "spin-lock"):

        def use(kind: str = kind) -> None:
            waiter = operations.MemoryWaiter(kind, memory, 1, policy)
            waiter.wait()
            waiter.notify()
            end = waiter.counter(policy) if kind == "pthread-cond" else waiter.guard(owner)
            waiter.close()
            del end

        yield Act(f"a {kind} in memory", use, (memory, owner))


def calls(stack: ExitStack) -> Iterator[Act]:
    pipe, null = get("pipe"), get("null")
    assert isinstance(pipe, Transport) and isinstance(null, Transport)
    one, other = attached(pipe, Topology.LINK, stack)
    message, buffer = aligned_buffer(64), aligned_buffer(64)
    capsules = one.native(), other.native()

    def carry() -> None:
        """Send and receive messages of growing size, for which the copy is reallocated."""
        sender, receiver = (operations.Calls(capsule) for capsule in capsules)
        for size in (1, 64, 64):
            sender.send(message[:size])
            receiver.recv(buffer[:size])

    yield Act("calls that carry", carry, (message, buffer, *capsules))
    fresh = operations.Calls(capsules[0])
    for name, call, *arguments in (
        ("a call that is absent", fresh.notify),
        ("an answer to no client", fresh.send_to, 3, message),
        ("a read-only buffer", fresh.recv, bytes(8)),
        ("no bytes", fresh.send, "text"),
    ):
        yield Act(f"refused: {name}", refusing(call, *arguments), (message, *capsules))
    yield from _loops(attached(null, Topology.LINK, stack)[0].native(), message, buffer)


def _loops(capsule: object, message: memoryview, buffer: memoryview) -> Iterator[Act]:
    compiled, stamps = native_loops.compiled, array("q", bytes(8 * 3))
    watched = message, buffer, stamps, capsule
    for name in (
        "ping",
        "pong",
        "stream_sender",
        "stream_receiver",
        "fan_in_sender",
        "fan_in_receiver",
    ):
        loop: Any = getattr(compiled, name)
        yield Act(name, partial(loop, capsule, message, buffer, 3), watched)
    stamped = compiled.stamped_ping
    yield Act("stamped", partial(stamped, capsule, message, buffer, 3, stamps), watched)
    paused, both = compiled.paused_ping, compiled.stamped_paused_ping
    yield Act("paused", partial(paused, capsule, message, buffer, 3, 1000), watched)
    yield Act("both", partial(both, capsule, message, buffer, 3, 1000, stamps), watched)
    for name, call, *arguments in (
        ("too many stamps", stamped, capsule, message, buffer, 1, stamps),
        ("a pause of less than 0", paused, capsule, message, buffer, 3, -1),
        ("a pause and too many stamps", both, capsule, message, buffer, 1, 1000, stamps),
        ("a loop over nothing", stamped, 7, message, buffer, 3, stamps),
        ("no headroom", compiled.ping, capsule, memoryview(bytes(64)), buffer, 3),
        ("a read-only buffer", compiled.ping, capsule, message, memoryview(bytes(64)), 3),
        ("no guard", compiled.count_up, capsule, message, buffer, 3),
    ):
        yield Act(f"refused: {name}", refusing(call, *arguments), watched)


PARTS = (kinds, builders, rings, semaphores, in_memory, calls)


def all_left() -> Iterator[str]:
    """Run all actions; describe those that leak."""
    current()
    gc.freeze()  # a collection after each action would go through all modules again
    for part in PARTS:
        with ExitStack() as stack:
            yield from filter(None, map(left, part(stack)))


def find(what: str, seed: str, seconds: float) -> str:
    """Report a leak that was made on purpose: see breaks.py."""
    found = next(all_left(), "")
    return f"found {found}" if found else "nothing"


def main() -> None:
    found = list(all_left())
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ipcb-") as there:
        os.environ["XDG_RUNTIME_DIR"] = there
        main()
