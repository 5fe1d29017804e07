"""The statements of the chapter, as a table: their texts, and the form of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The form of a statement."""

    FASTEST = "shared memory is faster than all other facilities"
    FASTER = "the first of a pair is faster"
    EQUAL = "a pair is equal within the band"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `section`: of the chapter; `note`: known from elsewhere.

    The sides of its contests are in `bench.decisions.tasks`, under its id.
    """

    id: str
    section: str
    text: str
    kind: Kind
    note: str = ""


SHM_FASTEST = Statement(
    "shm-fastest",
    "2.4",
    "Shared memory is the fastest facility of all, because nothing stands "
    "between the processes and the bytes.",
    Kind.FASTEST,
)
STATEMENTS = (
    Statement(
        "pipe-beats-socket",
        "2.7.1",
        "Where a pipe would do, a socket is inefficient.",
        Kind.FASTER,
    ),
    Statement(
        "fifo-is-pipe",
        "2.2.1",
        "A FIFO moves data as a pipe does; only the name differs.",
        Kind.EQUAL,
        "A FIFO updates time stamps, which has been measured to cost a few percent.",
    ),
    Statement(
        "unix-vs-tcp",
        "2.7",
        "The same calls work within a machine and between machines; within a machine, a Unix "
        "domain socket avoids the network stack, so it is faster than TCP over loopback.",
        Kind.FASTER,
    ),
    Statement(
        "sysv-is-posix, memory",
        "1.2",
        "System V and POSIX shared memory are the same mechanism.",
        Kind.EQUAL,
    ),
    Statement(
        "sysv-is-posix, queues",
        "1.2",
        "System V and POSIX message queues are the same mechanism.",
        Kind.EQUAL,
        "Each has the depth that the kernel gives it, and the two depths differ.",
    ),
    Statement(
        "sysv-is-posix, semaphores",
        "1.2",
        "System V and POSIX semaphores are the same mechanism.",
        Kind.EQUAL,
        "A free POSIX semaphore is taken without a system call (Kerrisk).",
    ),
)
