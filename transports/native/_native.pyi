"""The compiled part: builders of operations over the handles of endpoints, and `Calls`.

A builder takes the endpoint first, which the capsule keeps alive, and returns a capsule of
operations (ops.h) or of a waiter (waiters.h). Raises: TypeError, ValueError for impossible
arguments; OSError.
"""

from typing import Any

from typing_extensions import Buffer

from ipcbench.transports.native.wait_policy import WaitPolicy

BUILD: str
"""The compiler with its version, and the flags that change the code: "GCC 12.2.0, -O2 …"."""

OPERATIONS: tuple[tuple[str, str, str, bool], ...]
"""For each operation that is a call of an endpoint: its field in ops.h, the attribute, the action,
in place."""

class Calls:
    """The operations of a capsule as methods, by their fields in ops.h."""

    def __init__(self, capsule: object, interruptible: bool = False) -> None: ...
    @property
    def in_place(self) -> bool: ...
    def has(self) -> frozenset[str]: ...
    def __getattr__(self, operation: str) -> Any: ...

class MemoryWaiter:
    """A waiter in shared memory that C alone can use: a counter, or a mutex (memory_waiter.c).

    Kinds: "pthread-cond", "pthread-mutex", "robust-mutex", "futex-mutex", "spin-lock". `held`: the
    tokens of a new counter, 1 for a new mutex; None: it exists already. Raises: ValueError for
    memory that is too small or not aligned, or after `close`; OSError.
    """

    def __init__(
        self, kind: str, memory: Buffer, held: int | None, policy: WaitPolicy, /
    ) -> None: ...
    def wait(self) -> None: ...
    def try_wait(self) -> None: ...
    def notify(self) -> None: ...
    def counter(self, policy: WaitPolicy, /) -> object: ...
    def guard(self, owner: object, /) -> object: ...
    def close(self) -> None: ...

def with_owner(owner: object, capsule: object, /) -> object:
    """Return a capsule of the same operations that keeps an owner alive as well."""

# Over file descriptors. `several`: it receives from several peers, or is a hub's server; then
# `epoll` waits for all of `reading`, -1: it spins.

def pipes(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    shared: bool,
    /,
) -> object: ...
def streams(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    check_space: bool,
    /,
) -> object: ...
def packets(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    /,
) -> object: ...
def datagrams(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    /,
) -> object: ...
def datagram_hub(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    addresses: tuple[bytes, ...],
    /,
) -> object: ...
def posix_queues(
    owner: object,
    reading: tuple[int, ...],
    writing: tuple[int, ...],
    size: int,
    several: bool,
    epoll: int,
    policy: WaitPolicy,
    priority: int,
    /,
) -> object: ...

# Queues by identifiers: -1 for a direction that there is not.

def sysv_queue(
    owner: object,
    incoming: int,
    outgoing: int,
    size: int,
    sent: int,
    wanted: int,
    policy: WaitPolicy,
    hub: bool,
    /,
) -> object: ...

# Waiters.

def posix_semaphore(name: str, policy: WaitPolicy, /) -> object: ...
def sysv_semaphore(identifier: int, undo: bool, policy: WaitPolicy, /) -> object: ...
def eventfd(fd: int, policy: WaitPolicy, /) -> object: ...

# Signals and guards.

def signal(owner: object, mine: object, theirs: object, /) -> object: ...
def guard(owner: object, waiter: object, /) -> object: ...
def word_signal(
    owner: object, memory: Buffer, mine: int, theirs: int, policy: WaitPolicy, /
) -> object: ...
def process_signal(owner: object, pidfd: int, number: int, policy: WaitPolicy, /) -> object: ...
def file_lock(owner: object, fd: int, records: bool, /) -> object: ...
def unguarded(owner: object, /) -> object: ...

# Rings. A lane of a counted ring is (start, free slots, used slots, counted); one of a ring
# (start, doorbell of the process at its other side). A doorbell is (start, counter or None).

def counted_ring(
    owner: object,
    memory: Buffer,
    size: int,
    depth: int,
    incoming: tuple[tuple[int, object, object, bool], ...],
    outgoing: tuple[tuple[int, object, object, bool], ...],
    hub: bool,
    in_place: bool,
    /,
) -> object: ...
def ring(
    owner: object,
    memory: Buffer,
    size: int,
    depth: int,
    incoming: tuple[tuple[int, tuple[int, object]], ...],
    outgoing: tuple[tuple[int, tuple[int, object]], ...],
    hub: bool,
    in_place: bool,
    doorbell: tuple[int, object],
    policy: WaitPolicy,
    /,
) -> object: ...
def lane_bytes(size: int, depth: int, /) -> int: ...

# A newest value in memory: the sender's end, which publishes, or a receiver's.

def newest(
    owner: object,
    memory: Buffer,
    size: int,
    buffers: int,
    publishes: bool,
    policy: WaitPolicy,
    /,
) -> object: ...

# Passed memory: the sockets of the direction that it sends on, and of the one it receives on.

def memfd_passed(
    owner: object, out: int, in_: int, size: int, depth: int, in_place: bool, policy: WaitPolicy, /
) -> object: ...
def memfd_pool(
    owner: object,
    out: int,
    in_: int,
    size: int,
    sent: tuple[Buffer, ...],
    received: tuple[Buffer, ...],
    in_place: bool,
    policy: WaitPolicy,
    /,
) -> object: ...
def process_vm(
    owner: object, out: int, in_: int, peer: int, size: int, policy: WaitPolicy, /
) -> object: ...
def vmsplice(
    owner: object,
    out: int,
    answers: int,
    in_: int,
    answered: int,
    size: int,
    policy: WaitPolicy,
    /,
) -> object: ...

# Accesses to a file: by position, by place, by a map.

def file_access(
    owner: object, fd: int, memory: Buffer | None, extent: int, way: int, /
) -> object: ...

# The null transport.

def null(owner: object, /) -> object: ...
