"""Observations of a machine on which the statements of fact are true."""

from __future__ import annotations

from ipcbench.bench.results.records import Observation

FIGURES: dict[str, dict[str, float]] = {
    "largest-segment": {
        "kernel.shmmax, MiB": 32,
        "memory, MiB": 7936,
        "largest with memory for all pages, MiB": 32,
    },
    "lost-updates": {
        "updates, unguarded": 12000,
        "updates lost, unguarded": 9214,
        "updates lost, posix-sem": 0,
        "updates lost, sysv-sem": 0,
    },
    "map-keeps": {
        "size, bytes": 262144,
        "bytes kept after the writer ended": 262144,
        "bytes kept after the writer was killed": 262144,
        "bytes stored privately, in the file": 0,
    },
    "pipe-deadlock": {
        "capacities": 4,
        "capacities where one byte more deadlocks": 4,
        "largest that passes, bytes": 65536,
        "largest that passes in small writes, bytes": 34831,
        "bytes of a small write": 2049,
        "deadlocks of two that read first": 1,
        "directions of a pipe": 1,
    },
    "pipe-multiplex": {
        "sizes": 6,
        "largest size, bytes": 4194304,
        "deadlocks without multiplexing": 3,
        "deadlocks with a reading and a writing process": 0,
        "deadlocks with poll": 0,
        "poll before a read, ns": 412.5,
    },
    "queue-types": {
        "pairs": 4,
        "messages": 12800,
        "messages of another pair, one queue by type": 0,
        "messages out of order, one queue by type": 0,
        "pairs stopped by one full pair, one queue by type": 0,
        "time by type over time of queues": 1.4,
        "time by type over time of queues, low": 1.2,
        "time by type over time of queues, high": 1.7,
    },
    "segment-life": {
        "size, bytes": 65536,
        "bytes kept after its creator, sysv": 65536,
        "bytes kept after its creator, posix": 65536,
        "bytes kept after its removal, sysv": 65536,
        "bytes kept after its removal, posix": 65536,
        "in the kernel after its removal, sysv": 1,
        "in the kernel after the last detach, sysv": 0,
    },
    "semaphore-misuse": {
        "P without V: waits for ever, posix-sem": 1,
        "P without V: waits for ever, sysv-sem": 1,
        "holder killed: waits for ever, posix-sem": 1,
        "holder killed: waits for ever, sysv-sem without SEM_UNDO": 1,
        "holder killed: waits for ever, sysv-sem with SEM_UNDO": 0,
        "holder killed: waits for ever, robust-mutex": 0,
    },
    "unsignalled-reads": {
        "values written": 1000,
        "values missed, without a signal": 412,
        "values read twice, without a signal": 97,
        "torn reads, without a signal": 31,
        **{
            f"{what}, {name}": 0
            for what in ("values missed", "values read twice", "torn reads")
            for name in ("posix-sem", "sysv-sem")
        },
    },
    "waiting-cpu": {
        "CPU s in 1 s, posix-sem": 0.0001,
        "CPU s in 1 s, sysv-sem": 0.0001,
        "CPU s in 1 s, a loop on a variable": 0.98,
    },
    "what-stays": {
        "messages sent": 5,
        "left for a later receiver, sysv-queue": 5,
        "left for a later receiver, posix-queue": 5,
        "left for a later receiver, fifo": 0,
        "left for a later receiver, unix-stream": 0,
        "left at an open end, fifo": 5,
    },
}


TEXTS = {
    "largest-segment": {"bound with memory for all pages": "kernel.shmmax"},
    "semaphore-misuse": {"P without V, posix-sem": "caught after 0.6 s, asleep in futex_do_wait"},
}


def observed(**changed: dict[str, float]) -> dict[str, Observation]:
    """Make the observations; `changed`: figures of an experiment that differ."""
    return {
        name: Observation(
            experiment=name,
            figures={**figures, **changed.get(name.replace("-", "_"), {})},
            texts=TEXTS.get(name, {}),
        )
        for name, figures in FIGURES.items()
    }
