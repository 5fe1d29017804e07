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
IDLE, BUSY = 0.1, 0.5  # seconds of CPU time in one of waiting: at most, and at least

_IS, _ABOVE, _BELOW = Relation.IS, Relation.ABOVE, Relation.BELOW
_AT_LEAST, _AT_MOST = Relation.AT_LEAST, Relation.AT_MOST
_UNDECIDED, _DEPENDS = ClaimVerdict.UNDECIDED, ClaimVerdict.DEPENDS
_SIMPLE = "--pattern latency --wait block --pace closed"  # decided within the budget of `quick`
_SEMAPHORES = (("posix-sem", "POSIX"), ("sysv-sem", "System V"))
_STAGES = ("bytes kept after its creator", "bytes kept after its removal")

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
            "-t shm:posix+sysv-sem -t sysv-sem -t posix-sem --pattern latency --pattern signal "
            "--wait block --pace closed",
            "System V",
            "POSIX",
        ),
        rules=(
            Rule("what-stays", "left for a later receiver, sysv-queue", _IS,
                 "left for a later receiver, posix-queue",
                 "messages left when their sender had gone: "
                 "{left for a later receiver, sysv-queue} in a System V queue, "
                 "{left for a later receiver, posix-queue} in a POSIX queue"),
            *(
                Rule("segment-life", f"{stage}, sysv", _IS, f"{stage}, posix",
                     f"{stage}: {{{stage}, sysv}} of System V memory, {{{stage}, posix}} of POSIX "
                     "memory")
                for stage in _STAGES
            ),
            Rule("lost-updates", "updates lost, sysv-sem", _IS, "updates lost, posix-sem",
                 "updates lost: {updates lost, sysv-sem} with a System V semaphore, "
                 "{updates lost, posix-sem} with a POSIX one"),
            Rule("semaphore-misuse", "holder killed: waits for ever, sysv-sem with SEM_UNDO", _IS,
                 "holder killed: waits for ever, posix-sem",
                 "the process after a killed holder waits for ever: POSIX semaphore "
                 "{holder killed: waits for ever, posix-sem|yes}, System V with SEM_UNDO "
                 "{holder killed: waits for ever, sysv-sem with SEM_UNDO|yes}",
                 _DEPENDS),
        ),
        take_home="System V first, then POSIX: queues kept {left for a later receiver, sysv-queue} "
        "and {left for a later receiver, posix-queue} messages of a sender that had gone, segments "
        "{bytes kept after its creator, sysv|bytes} and "
        "{bytes kept after its creator, posix|bytes} of a creator that had gone, and counters with "
        "semaphores lost {updates lost, sysv-sem} and {updates lost, posix-sem} updates.",
        note="A difference in time alone does not show another mechanism. A POSIX queue can be "
        "waited for with poll(2), a System V queue cannot. A free POSIX semaphore is taken "
        "without a system call (Kerrisk). Each kind of queue has a depth of its own.",
    ),
    Statement(
        "pipe-half-duplex",
        "2.1.2",
        "One pipe carries one direction; two processes that both wait to read, or both fill the "
        "pipe first, wait for ever.",
        rules=(
            Rule("pipe-deadlock", "directions of a pipe", _IS, 1,
                 "directions of one pipe: {directions of a pipe}"),
            Rule("pipe-deadlock", "deadlocks of two that read first", _IS, 1,
                 "two that read first wait for ever: {deadlocks of two that read first|yes}"),
            Rule("pipe-deadlock", "capacities where one byte more deadlocks", _IS, "capacities",
                 "capacities where two that write first wait for ever from one byte more on: "
                 "{capacities where one byte more deadlocks} of {capacities}"),
        ),
        take_home="Two processes that write first pass up to {largest that passes, bytes|bytes}, "
        "the capacity of the pipe, and wait for ever with one byte more; in writes of "
        "{bytes of a small write} bytes each, they pass only {largest that passes in small "
        "writes, bytes|bytes}. Two that read first wait for ever at any size.",
    ),
    Statement(
        "pipe-multiplex",
        "2.1.2",
        "The deadlock of pipes is solved by a reading and a writing process, or by I/O "
        "multiplexing; either makes it complicated.",
        rules=(
            Rule("pipe-multiplex", "deadlocks without multiplexing", _ABOVE, 0,
                 "sizes that deadlock without multiplexing: {deadlocks without multiplexing} of "
                 "{sizes}", _UNDECIDED),
            Rule("pipe-multiplex", "deadlocks with a reading and a writing process", _IS, 0,
                 "sizes that deadlock with a reading and a writing process: "
                 "{deadlocks with a reading and a writing process} of {sizes}"),
            Rule("pipe-multiplex", "deadlocks with poll", _IS, 0,
                 "sizes that deadlock with poll(2): {deadlocks with poll} of {sizes}"),
        ),
        take_home="With a reading and a writing process, or with poll(2), no size up to "
        "{largest size, bytes|bytes} deadlocks. A poll(2) before a read takes "
        "{poll before a read, ns|ns} from Python.",
        asides=(Aside.POLLING,),
        note="That either makes a program complicated is not judged.",
    ),
    Statement(
        "fifo-is-pipe",
        "2.2.1",
        "A FIFO moves data as a pipe does; only the name differs.",
        Speed(
            Kind.EQUAL,
            ("fifo-is-pipe",),
            f"-t fifo -t pipe {_SIMPLE}",
            "a FIFO",
            "a pipe",
        ),
        note="A write to a FIFO updates its time stamps, as fstat(2) shows; a write to a pipe does "
        "not on newer kernels.",
    ),
    Statement(
        "mq-keeps",
        "2.3",
        "A queue is a place, not a flow: what was put there stays until it is taken.",
        rules=(
            Rule("what-stays", "left for a later receiver, sysv-queue", _IS, "messages sent",
                 "messages that a later receiver finds in a System V queue: "
                 "{left for a later receiver, sysv-queue} of {messages sent}", part="queue"),
            Rule("what-stays", "left for a later receiver, posix-queue", _IS, "messages sent",
                 "in a POSIX queue: {left for a later receiver, posix-queue} of {messages sent}",
                 part="queue"),
            Rule("what-stays", "left for a later receiver, fifo", _BELOW, "messages sent",
                 "in a FIFO: {left for a later receiver, fifo} of {messages sent}", _DEPENDS),
            Rule("what-stays", "left for a later receiver, unix-stream", _BELOW, "messages sent",
                 "in a Unix socket: {left for a later receiver, unix-stream} of {messages sent}",
                 _DEPENDS),
        ),
        take_home="When the sender had gone, a later receiver found all {messages sent} messages "
        "in a queue, {left for a later receiver, fifo} in a FIFO and "
        "{left for a later receiver, unix-stream} in a Unix socket. A receiving end that was open "
        "all the time found {left at an open end, fifo} in a FIFO.",
    ),
    Statement(
        "mq-types",
        "2.3.2",
        "With types, one queue serves as several.",
        rules=(
            Rule("queue-types", "messages of another pair, one queue by type", _IS, 0,
                 "messages that reached another pair: "
                 "{messages of another pair, one queue by type}"),
            Rule("queue-types", "messages out of order, one queue by type", _IS, 0,
                 "messages out of order: {messages out of order, one queue by type}"),
            Rule("queue-types", "pairs stopped by one full pair, one queue by type", _IS, 0,
                 "one queue has room for all together: one pair that fills it stops "
                 "{pairs stopped by one full pair, one queue by type} of the others", _DEPENDS),
        ),
        take_home="Over one queue, {pairs} pairs of processes got their own messages alone, all in "
        "order. It took {time by type over time of queues|times} the time of a queue for each "
        "({time by type over time of queues, low|times} to "
        "{time by type over time of queues, high|times}).",
    ),
    SHM_FASTEST,
    Statement(
        "shm-persists",
        "2.4.1",
        "A segment outlives its creator, and a removed one goes when the last process detaches.",
        rules=(
            *(
                Rule("segment-life", f"{stage}, {kind}", _IS, "size, bytes",
                     f"{stage}, {name} memory: {{{stage}, {kind}}} of {{size, bytes}}",
                     part=stage)
                for kind, name in (("sysv", "System V"), ("posix", "POSIX"))
                for stage in _STAGES
            ),
            Rule("segment-life", "in the kernel after the last detach, sysv", _IS, 0,
                 "System V memory is in the kernel after the last detach: "
                 "{in the kernel after the last detach, sysv|yes}"),
            Rule("segment-life", "in the kernel after its removal, sysv", _IS, 1,
                 "it is there after its removal, while a process is attached: "
                 "{in the kernel after its removal, sysv|yes}"),
        ),
        take_home="All {size, bytes|bytes} of a segment were there when its creator had gone, and "
        "after its removal for the process that was attached; with the last detach it was gone.",
    ),
    Statement(
        "shm-needs-signal",
        "2.4.3",
        "Shared memory alone does not tell the reader when there is something to read; another "
        "facility has to.",
        rules=(
            Rule("unsignalled-reads", "values missed, without a signal", _ABOVE, 0,
                 "without a signal: {values missed, without a signal} of {values written} values "
                 "missed, {values read twice, without a signal} reads of an old one, "
                 "{torn reads, without a signal} torn reads",
                 plus=("values read twice, without a signal", "torn reads, without a signal")),
            *(
                Rule("unsignalled-reads", f"values missed, {signal}", _IS, 0,
                     f"with {name} semaphores: {{values missed, {signal}}} missed, "
                     f"{{values read twice, {signal}}} read twice, {{torn reads, {signal}}} torn",
                     plus=(f"values read twice, {signal}", f"torn reads, {signal}"), part="signal")
                for signal, name in _SEMAPHORES
            ),
        ),
        take_home="Without a signal, a reader missed {values missed, without a signal} of "
        "{values written} values, read an old one {values read twice, without a signal} times, "
        "and a mixture of two {torn reads, without a signal} times; with semaphores, never.",
    ),
    Statement(
        "shm-limit",
        "2.4.3",
        "How large a segment may be is a kernel setting (32 MB by default, 1 GB at most), to be "
        "checked first.",
        rules=(
            Rule("largest-segment", "kernel.shmmax, MiB", _AT_MOST, 1024,
                 "kernel.shmmax: {kernel.shmmax, MiB|mib}"),
            Rule("largest-segment", "largest with memory for all pages, MiB", _AT_MOST, 1024,
                 "largest segment with memory for all its pages: "
                 "{largest with memory for all pages, MiB|mib}"),
        ),
        take_home="The largest segment had {largest with memory for all pages, MiB|mib}; "
        "kernel.shmmax allows {kernel.shmmax, MiB|mib}.",
        if_refuted="kernel.shmmax allows {kernel.shmmax, MiB|mib}. The largest segment had "
        "{largest with memory for all pages, MiB|mib}, bounded by "
        "{bound with memory for all pages}; the machine has {memory, MiB|mib} of memory.",
        note="Since Linux 3.16, kernel.shmmax and kernel.shmall have no bound by default "
        "(shmget(2)).",
    ),
    Statement(
        "mmap-saves-io",
        "2.5.4",
        "Mapping a file saves the cost of read, write and lseek.",
        Speed(
            Kind.FASTER,
            ("mmap-saves-io",),
            "-t file-map -t file-read",
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
        rules=(
            Rule("map-keeps", "bytes kept after the writer ended", _IS, "size, bytes",
                 "bytes in the file after the writer ended: "
                 "{bytes kept after the writer ended} of {size, bytes}"),
            Rule("map-keeps", "bytes kept after the writer was killed", _IS, "size, bytes",
                 "bytes in the file after the writer was killed: "
                 "{bytes kept after the writer was killed} of {size, bytes}"),
            Rule("map-keeps", "bytes stored privately, in the file", _IS, 0,
                 "bytes stored privately in the file: {bytes stored privately, in the file}"),
        ),
        take_home="All {size, bytes|bytes} written through a shared map were in the file, also "
        "when the writer was killed; of a private map (MAP_PRIVATE), none.",
    ),
    Statement(
        "semaphore-guards",
        "2.6",
        "Two processes doing count++ lose updates; with a semaphore they lose none.",
        rules=(
            Rule("lost-updates", "updates lost, unguarded", _ABOVE, 0,
                 "updates lost without a guard: {updates lost, unguarded}",
                 _UNDECIDED, part="unguarded"),
            *(
                Rule("lost-updates", f"updates lost, {guard}", _IS, 0,
                     f"updates lost with a {name} semaphore: {{updates lost, {guard}}}",
                     part="guarded")
                for guard, name in _SEMAPHORES
            ),
            Rule(COUNTER_CELLS, UNGUARDED, _ABOVE, 0,
                 f"updates lost by unguarded counters of the sweep: {{{UNGUARDED}|share}}",
                 _UNDECIDED, part="unguarded"),
            Rule(COUNTER_CELLS, GUARDED, _IS, 0,
                 f"updates lost by guarded counters of the sweep: {{{GUARDED}|share}}",
                 part="guarded"),
        ),
        take_home="Without a guard, {updates lost, unguarded} of {updates, unguarded} updates were "
        "lost, by processes that give up the CPU between reading and writing; with a semaphore, "
        "none.",
        asides=(Aside.GUARDED_UPDATE,),
    ),
    Statement(
        "semaphore-idles",
        "2.6.4",
        "A semaphore waits without burning the processor, unlike a loop on a variable.",
        rules=(
            *(
                Rule("waiting-cpu", f"CPU s in 1 s, {wait}", _AT_MOST, IDLE,
                     f"CPU time of one second at a {name} semaphore: "
                     f"{{CPU s in 1 s, {wait}|seconds}}", part="semaphore")
                for wait, name in _SEMAPHORES
            ),
            # A loop that is not given the CPU does not idle: its rule refutes nothing.
            Rule("waiting-cpu", "CPU s in 1 s, a loop on a variable", _AT_LEAST, BUSY,
                 "CPU time of one second in a loop on a variable: "
                 "{CPU s in 1 s, a loop on a variable|seconds}", _UNDECIDED),
        ),
        take_home="While it waits for one second, a process uses {CPU s in 1 s, posix-sem|seconds} "
        "of CPU time at a POSIX semaphore, and {CPU s in 1 s, a loop on a variable|seconds} in a "
        "loop on a variable.",
        asides=(Aside.SLEEPING,),
    ),
    Statement(
        "semaphore-deadlock",
        "2.6.4",
        "P and V are independent calls, so misuse deadlocks.",
        rules=tuple(
            Rule("semaphore-misuse", f"{case}: waits for ever, {guard}", _IS, 1,
                 f"{text}: {{{case}: waits for ever, {guard}|yes}}", part=case)
            for case, guard, text in (
                ("P without V", "posix-sem", "a second P without a V waits for ever, POSIX"),
                ("P without V", "sysv-sem", "the same, System V"),
                ("holder killed", "posix-sem", "after a killed holder, POSIX"),
                ("holder killed", "sysv-sem without SEM_UNDO",
                 "after a killed holder, System V without SEM_UNDO"),
            )
        ),
        take_home="A P without a V waits for ever ({P without V, posix-sem}), and so does the "
        "process after a holder that is killed. With SEM_UNDO of System V, that process "
        "{holder killed: waits for ever, sysv-sem with SEM_UNDO|waits}; with a robust mutex, it "
        "{holder killed: waits for ever, robust-mutex|waits}.",
    ),
    Statement(
        "unix-vs-tcp",
        "2.7",
        "The same calls work within a machine and between machines; within a machine, a Unix "
        "domain socket avoids the network stack, so it is faster than TCP over loopback.",
        Speed(
            Kind.FASTER,
            ("unix-vs-tcp",),
            f"-t unix-stream -t tcp {_SIMPLE}",
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
            f"-t pipe -t unix-stream {_SIMPLE}",
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
            "-t pipe -t unix-stream --pattern echo -P 2 -P 8",
            "a Unix stream socket",
            "a pipe",
        ),
        note="With more clients than were measured, it may be otherwise. A client that starts "
        "later can connect to a socket; a pipe has no name to connect to.",
    ),
)  # fmt: skip
