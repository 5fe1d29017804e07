"""The statements of the chapter, as a table: the text of each, and the data that decide it.

The chapter is "ch08 IPC" of Book_LSP, a textbook on systems programming for Linux: joinc.co.kr,
in Korean. Its statements are in its order.
"""

from __future__ import annotations

from ipcbench.reports.verdicts.statements.facts import GUARDED, UNGUARDED
from ipcbench.reports.verdicts.statements.statement import (
    COUNTER_CELLS,
    Aside,
    ClaimVerdict,
    Kind,
    Relation,
    Rule,
    Speed,
    Statement,
)

SOURCE = "ch08 IPC of Book_LSP, joinc.co.kr, in Korean"
GIB = 1 << 30

_IS, _ABOVE, _BELOW = Relation.IS, Relation.ABOVE, Relation.BELOW
_AT_LEAST, _AT_MOST = Relation.AT_LEAST, Relation.AT_MOST
_UNDECIDED, _DEPENDS = ClaimVerdict.UNDECIDED, ClaimVerdict.DEPENDS

SHM_FASTEST = Statement(
    "shm-fastest",
    "2.4",
    "Shared memory is the fastest facility of all, because nothing stands "
    "between the processes and the bytes.",
    Speed(
        Kind.FASTEST,
        ("shm-fastest",),
        "--profile quick",
        "the best shared memory",
        "the best other facility",
    ),
    note="In goldsborough/ipc-bench, whose receivers spin, shared memory is by far the fastest; "
    "Immich and others (2003), whose receivers wait on semaphores, found pipes faster on six "
    "kernels.",
)

STATEMENTS = (
    Statement(
        "sysv-is-posix",
        "1.2",
        "System V and POSIX IPC are the same mechanism.",
        Speed(
            Kind.SAME,
            ("sysv-is-posix, memory", "sysv-is-posix, queues", "sysv-is-posix, semaphores"),
            "-t shm:sysv+posix-sem -t shm:posix+posix-sem -t sysv-queue -t posix-queue "
            "-t shm:posix+sysv-sem -t sysv-sem -t posix-sem",
        ),
        note="A difference in time alone refutes no sameness. Only a descriptor of a POSIX queue "
        "can be waited for with poll(2), and only a System V semaphore is given back when its "
        "holder is killed (SEM_UNDO). A free POSIX semaphore is taken without a system call "
        "(Kerrisk). Each kind of queue has the depth that the kernel gives it.",
    ),
    Statement(
        "pipe-half-duplex",
        "2.1.2",
        "One pipe carries one direction; two processes that both wait to read, or both fill the "
        "pipe first, wait for ever.",
        rules=(
            Rule("pipe-deadlock", "directions of a pipe", _IS, 1,
                 "directions of one pipe: {directions of a pipe}"),
            Rule("pipe-deadlock", "deadlocks of two that read first", _ABOVE, 0,
                 "two that read first wait for ever: {deadlocks of two that read first:yes}"),
            Rule("pipe-deadlock", "capacities that one byte more exceeds", _IS, "capacities",
                 "capacities at which one byte more is a deadlock: "
                 "{capacities that one byte more exceeds} of {capacities}"),
        ),
        take_home="Two processes that write first pass up to {largest that passes, bytes:bytes}, "
        "the capacity of the pipe, and wait for ever with one byte more; two that read first "
        "wait for ever at once.",
    ),
    Statement(
        "pipe-multiplex",
        "2.1.2",
        "That is solved by a reading and a writing process, or by I/O multiplexing; either makes "
        "it complicated.",
        rules=(),
        asides=(Aside.POLLING,),
    ),
    Statement(
        "fifo-is-pipe",
        "2.2.1",
        "A FIFO moves data as a pipe does; only the name differs.",
        Speed(Kind.EQUAL, ("fifo-is-pipe",), "-t fifo -t pipe", "a FIFO", "a pipe"),
        note="A FIFO updates time stamps, which has been measured to cost a few percent.",
    ),
    Statement(
        "mq-keeps",
        "2.3",
        "A queue is a place, not a flow: what was put there stays until it is taken.",
    ),
    Statement(
        "mq-types",
        "2.3.2",
        "With types, one queue serves as several.",
    ),
    SHM_FASTEST,
    Statement(
        "shm-persists",
        "2.4.1",
        "A segment outlives its creator, and a removed one goes when the last process detaches.",
    ),
    Statement(
        "shm-needs-signal",
        "2.4.3",
        "Shared memory alone does not tell the reader when there is something to read; another "
        "facility has to.",
    ),
    Statement(
        "shm-limit",
        "2.4.3",
        "How large a segment may be is a kernel setting (32 MB by default, 1 GB at most), to be "
        "checked first.",
    ),
    Statement(
        "mmap-saves-io",
        "2.5.4",
        "Mapping a file saves the cost of read, write and lseek.",
        Speed(
            Kind.FASTER,
            ("mmap-saves-io",),
            "-t file-map -t file-read -t file-pread",
            "a mapped file",
            "read(2) and write(2)",
        ),
        note="Fedorova (2019) measured for mmap, Crotty and others (CIDR 2022) against it, for "
        "databases larger than memory; here the file is in the page cache.",
    ),
    Statement(
        "mmap-keeps",
        "2.5.4",
        "What is in the map stays in the file.",
    ),
    Statement(
        "semaphore-guards",
        "2.6",
        "Two processes doing count++ lose updates; with a semaphore they lose none.",
        rules=(
            Rule("lost-updates", "updates lost, unguarded", _ABOVE, 0,
                 "updates lost without a guard: {updates lost, unguarded}",
                 _UNDECIDED, suffices=True),
            Rule("lost-updates", "updates lost, posix-sem", _IS, 0,
                 "updates lost with a POSIX semaphore: {updates lost, posix-sem}", suffices=True),
            Rule("lost-updates", "updates lost, sysv-sem", _IS, 0,
                 "updates lost with a System V semaphore: {updates lost, sysv-sem}", suffices=True),
            Rule(COUNTER_CELLS, UNGUARDED, _ABOVE, 0,
                 f"updates lost by the sweep's counters without a guard: {{{UNGUARDED}:share}}",
                 _UNDECIDED, suffices=True),
            Rule(COUNTER_CELLS, GUARDED, _IS, 0,
                 f"updates lost by the sweep's guarded counters: {{{GUARDED}:share}}",
                 suffices=True),
        ),
        take_home="",
        asides=(Aside.GUARDED_UPDATE,),
    ),
    Statement(
        "semaphore-idles",
        "2.6.4",
        "A semaphore waits without burning the processor, unlike a loop on a variable.",
        asides=(Aside.SLEEPING,),
    ),
    Statement(
        "semaphore-deadlock",
        "2.6.4",
        "P and V are independent calls, so misuse deadlocks.",
    ),
    Statement(
        "unix-vs-tcp",
        "2.7",
        "The same calls work within a machine and between machines; within a machine, a Unix "
        "domain socket avoids the network stack, so it is faster than TCP over loopback.",
        Speed(
            Kind.FASTER,
            ("unix-vs-tcp",),
            "-t unix-stream -t tcp",
            "a Unix stream socket",
            "TCP over loopback",
        ),
    ),
    Statement(
        "pipe-beats-socket",
        "2.7.1",
        "Where a pipe would do, a socket is inefficient.",
        Speed(
            Kind.FASTER,
            ("pipe-beats-socket",),
            "-t pipe -t unix-stream",
            "a pipe",
            "a Unix stream socket",
        ),
    ),
    Statement(
        "socket-scales",
        "2.7.1",
        "Past a certain scale, a socket is to be preferred: many clients at once.",
        Speed(
            Kind.SCALES,
            ("socket-scales",),
            "-t pipe -t unix-stream --pattern echo -P 2 -P 4 -P 8",
            "a Unix stream socket",
            "a pipe",
        ),
    ),
)  # fmt: skip
