"""Synthetic sweeps: `Results` and journals from a function of time.

The noise is seeded by cell and round, so the same call gives the same data,
and an additional cell changes no other. All cells of a round share a drift, more
than on a real machine: contests are free of it where a placement has ten other cells.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ipcbench.bench.results.axes import BLOCK, HOT
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.fingerprint import fingerprint_of
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.histogram import count
from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.pace import CLOSED
from ipcbench.bench.results.records import (
    SCHEMA,
    SLOWEST,
    AnyEntry,
    Calibrated,
    Ended,
    Failed,
    Header,
    PlannedEntry,
    Round,
    Run,
    Settings,
    Skipped,
    Usage,
)
from ipcbench.bench.results.results import CellResult, Results

Time = Callable[[str, str, int, int, str, int], float]
"""time(transport, pattern, size, processes, placement, round) -> seconds per unit."""

TRANSPORTS = ("pipe", "unix-stream", "sysv-queue", "shm:posix+posix-sem", "null")
_SEGMENTS = ("sysv", "posix", "file", "tmpfs", "memfd", "mp")
_WAITERS = ("sysv-sem", "eventfd", "futex", "spin", "spin-block")
_FAMILIES = {
    "pipe": ("pipe", "pipe:1M", "fifo", "fifo:mknod"),
    "socket": ("unix-stream", "unix-dgram", "unix-seqpacket", "socketpair", "tcp", "tcp6"),
    "message queue": ("posix-queue", "sysv-queue", "sysv-queue:types"),
    "multiprocessing": ("mp-pipe", "mp-pipe-pickle", "mp-simple-queue", "mp-queue"),
    "shared memory": (
        *(f"shm:{segment}+posix-sem" for segment in _SEGMENTS),
        *(f"shm:posix+{waiter}" for waiter in _WAITERS),
        "shm:posix+posix-sem/in-place",
        "shm:posix+futex/in-place",
        "shm:posix+spin/in-place",
    ),
    "floor": ("null",),
}
CARRYING = tuple(name for names in _FAMILIES.values() for name in names)
SIGNALS = ("posix-sem", "sysv-sem", "eventfd", "futex", "signal")
GUARDS = ("posix-sem", "sysv-sem", "mp-lock", "unguarded")
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names}
PROCESSES = {"latency": 2, "stream": 2, "signal": 2}
SPINNING, MEMORY = 40, 5  # times as fast as asleep, and shared memory beside that
_PER = {"latency": "round trip", "pairs-latency": "round trip", "echo": "round trip",
        "signal": "round trip", "counter": "update"}  # fmt: skip


def facts(transport: str, pattern: str, wait: str = BLOCK, runtime: str = "python") -> Facts:
    """Make the facts of a transport; those of an unknown name follow from its form."""
    if pattern in ("signal", "counter"):
        family = "synchronisation"
    elif transport.startswith("shm:"):
        family = "shared memory"
    else:
        family = _FAMILY.get(transport, "pipe")
    base = transport.removesuffix("/in-place")
    waiter = base.rpartition("+")[2].partition("/")[0]
    if wait == BLOCK and waiter.startswith("spin"):
        wait = waiter
    return Facts(
        per=_PER.get(pattern, "message"),
        family=family,
        wait="none" if family == "floor" or base == "unguarded" else wait,
        copies=0 if family in ("floor", "synchronisation") else 2 - (base != transport),
        framing="message",
        in_place=base != transport,
        differs=runtime == "native" and base.endswith(("futex", "spin", "spin-block")),
    )


def header(rounds: int = 12, seed: int = 1) -> Header:
    return Header(
        schema=SCHEMA,
        version="0.1.0",
        started="2026-11-22T12:00:00+01:00",
        command=["ipcbench", "run", "--profile", "quick"],
        profile="quick",
        seed=seed,
        budget=180.0,
        settings=Settings(values=3, warmups=1, block=0.01, stamps=200, rounds=rounds),
        machine=machine(),
        clock="CLOCK_MONOTONIC, 1 ns",
        plan="0" * 16,
        fingerprint=fingerprint_of(machine(), 1e-7, 1e-6),
    )


def machine() -> MachineInfo:
    return MachineInfo(
        hostname="testbed",
        kernel="6.18.0-test",
        cpu_model="Synthetic CPU @ 3.0GHz",
        cpus=[0, 1],
        cpus_online=2,
        memory_bytes=8 << 30,
        virtualization="virtual machine (QEMU)",
        python="3.13.1 (CPython)",
        hidden=["CPU frequency"],
        settings={"clock source": "kvm-clock", "kernel.msgmax": "8192"},
    )


def cells(
    transports: Iterable[str] = TRANSPORTS,
    patterns: Iterable[str] = ("latency",),
    sizes: Iterable[int] = (64, 65536),
    placements: Iterable[str] = ("same-core",),
    processes: Iterable[int] | None = None,
    runtimes: Iterable[str] = ("python",),
    depths: Iterable[int | None] = (None,),
    wait: str = BLOCK,
    looks: int | None = None,
    batch: int = 1,
    payload: str = HOT,
    pace: str = CLOSED,
) -> list[Cell]:
    """Make the full product; `processes` None: a number that suits the pattern."""
    sizes, placements, runtimes = list(sizes), list(placements), list(runtimes)
    transports, depths = list(transports), list(depths)
    counts = None if processes is None else list(processes)
    return [
        Cell(
            transport=transport,
            pattern=pattern,
            size=size,
            processes=number,
            placement=placement,
            runtime=runtime,
            depth=depth,
            wait=wait,
            looks=looks,
            batch=batch,
            payload=payload,
            pace=pace,
        )
        for runtime in runtimes
        for depth in depths
        for pattern in patterns
        for placement in placements
        for number in (counts or [PROCESSES.get(pattern, 4)])
        for size in sizes
        for transport in transports
    ]


def sweep(
    time: Time,
    planned: Sequence[Cell],
    *,
    rounds: int = 12,
    noise: float = 0.02,
    drift: float = 0.05,
    seed: int = 1,
    twins: Sequence[Cell] = (),
    skipped: Sequence[Skipped] = (),
    failed: Sequence[Failed] = (),
    void: Callable[[Cell, int], str] = lambda cell, number: "",
    steal: float = 0.0,
    tail: int = 0,
    call: float = 0.0,
    end: Literal["complete", "budget", "interrupted"] | None = "complete",
) -> Results:
    """Make a sweep in which a run takes `time` times a log-normal noise.

    `noise` is the standard deviation of the log time of one run, `drift` that of a round, which
    all of its runs share. A cell in
    `failed` gets no runs. `twins` are measured a second time. `tail`: single
    round trips timed in each run. `call`: seconds that Python adds to each call
    of its loop. `end` None: killed.
    """
    results = Results(header(rounds, seed))
    failed_ids = {line.cell for line in failed}
    for cell in (*planned, *(msgspec.structs.replace(cell, twin=True) for cell in twins)):
        entry = CellResult(
            cell, facts(cell.transport, cell.pattern, cell.wait, cell.runtime), loops=1000
        )
        results.cells[cell.id] = entry
        if cell.id not in failed_ids:
            entry.runs = [
                _run(cell, number, time, noise, drift, seed, void(cell, number), tail, call)
                for number in range(1, rounds + 1)
            ]
    for skip in skipped:
        results.cells[skip.cell.id] = CellResult(skip.cell, skipped=skip)
    for failure in failed:
        results.cells[failure.cell].failures.append(failure)
    results.rounds = [_round(number, steal) for number in range(1, rounds + 1)]
    results.ended = Ended(reason=end, wall=rounds * 10.0) if end else None
    return results


def _run(
    cell: Cell,
    number: int,
    time: Time,
    noise: float,
    drift: float,
    seed: int,
    void: str,
    tail: int,
    call: float,
) -> Run:
    shared = random.Random(f"{seed}/{number}").gauss(0, drift)
    own = random.Random(f"{seed}/{cell.id}/{number}")
    seconds = time(cell.transport, cell.pattern, cell.size, cell.processes, cell.placement, number)
    if cell.depth is not None:
        seconds *= 1 + 3 / cell.depth
    if cell.wait == "poll":
        seconds += 6e-7
    if cell.wait in ("spin", "spin-block"):
        seconds /= SPINNING * (MEMORY if cell.transport.startswith("shm:") else 1)
    if cell.runtime == "python":
        seconds += call * calls(cell)
    seconds *= math.exp(shared + own.gauss(0, noise))
    values = [seconds * math.exp(own.gauss(0, noise / 4)) for _ in range(3)]
    switches = 2000 if cell.placement == "same-core" else 3000
    cpu = seconds * (2000 if cell.wait == "spin" else 1500)
    usage = Usage(cpu=cpu, voluntary=switches, involuntary=20)
    stamps = (int(seconds * 1e9 * own.lognormvariate(0, 0.15)) + 1 for _ in range(tail))
    depth = cell.depth or (10 if "queue" in cell.transport else None)
    pinned = [0] * cell.processes if cell.placement == "same-core" else [0, 1] * cell.processes
    return Run(
        cell=cell.id,
        round=number,
        attempt=1,
        loops=1000,
        inner_loops=1,
        warmups=[values[0] * 1.1],
        values=values,
        cpus=[[cpu] for cpu in pinned[: cell.processes]],
        depth=depth,
        in_flight=None if cell.transport == "tcp" else depth * cell.size if depth else 1 << 16,
        usage=[usage] * cell.processes,
        foreign=0.0,
        tail=dict(count(stamps)) if cell.pattern in ("latency", "signal") else {},
        observations=_observations(cell, own),
        void=void,
        start_up=0.02,
        timed=sum(values) * 1000,
        wall=0.1,
    )


def calls(cell: Cell) -> int:
    """Count the calls of a unit that follow each other; on two CPUs, calls overlap."""
    if _PER.get(cell.pattern) == "round trip":
        return 4
    return 2 if cell.placement == "same-core" else 1


def _observations(cell: Cell, own: random.Random) -> dict[str, float]:
    if cell.pattern in ("echo", "fan-in") and cell.processes > 2:
        return {SLOWEST: 1.375}
    if cell.pattern != "counter":
        return {}
    share = 0.03 if cell.placement == "same-core" else 1 - 1 / cell.processes
    return {"lost updates": share * own.uniform(0.9, 1.1) if cell.transport == "unguarded" else 0.0}


def _round(number: int, steal: float) -> Round:
    return Round(round=number, wall=10.0, timed=5.0, steal=steal * number / 12, load=1.0)


def lines(results: Results) -> Iterator[AnyEntry]:
    """Write the entries of a journal with these results, round by round."""
    yield results.header
    for entry in results.cells.values():
        if entry.skipped is not None:
            yield entry.skipped
        elif entry.facts is not None:
            yield PlannedEntry(cell=entry.cell, facts=entry.facts, tasks=entry.tasks)
    yield from results.contests.values()
    yield from results.promises.values()
    for entry in results.cells.values():
        if entry.loops is not None:
            yield Calibrated(cell=entry.cell.id, loops=entry.loops, slow_down=entry.slow_down)
        yield from (failure for failure in entry.failures if failure.round == 0)
    yield from results.observations.values()
    for one in results.rounds:
        for entry in results.cells.values():
            yield from (run for run in entry.runs if run.round == one.round)
            yield from (failure for failure in entry.failures if failure.round == one.round)
        yield one
        yield from (look for look in results.looks if look.rounds == one.round)
    yield from results.resumed
    if results.ended is not None:
        yield results.ended


def write_journal(source: Results | Iterable[AnyEntry], folder: Path) -> Path:
    """Write a run's folder, made if missing, and return the path of its journal."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = msgspec.json.Encoder()
    found = lines(source) if isinstance(source, Results) else source
    path = folder / NAME
    path.write_bytes(b"".join(encoder.encode(line) + b"\n" for line in found))
    return path


# Round trips in µs on a 2-CPU virtual machine, after a C reference, for realistic pages.
# (64 B, 4 KiB, 64 KiB, 1 MiB; same core, awake, cross)
_REFERENCE = {
    "pipe": ((2.12, 2.26, 14.5, 279), (4.24, 5.1, 29, 700), (76, 79, 116, 2634)),
    "unix-stream": ((3.47, 4.0, 12.6, 197), (22.7, 23, 25, 420), (75, 77, 88, 783)),
    "sysv-queue": ((2.35, 3.08, 16.2, 437), (5.1, 6.2, 33, 640), (81, 84, 124, 858)),
    "posix-queue": ((2.22, 2.85, 12.7, 300), (4.8, 5.6, 28, 610), (76, 80, 112, 800)),
    "tcp": ((5.03, 5.27, 14.5, 245), (9.4, 10, 30, 430), (84, 87, 102, 545)),
    "fifo": ((2.17, 2.32, 14.5, 281), (4.35, 5.2, 29, 702), (78, 80, 115, 2638)),
    "shm:posix+posix-sem": ((1.92, 2.04, 7.5, 237), (4.6, 5.0, 26, 410), (71, 73, 102, 527)),
    "shm:sysv+sysv-sem": ((2.67, 2.79, 8.4, 237), (5.2, 5.6, 28, 415), (79, 81, 104, 529)),
    "shm:posix+futex": ((1.88, 2.01, 7.5, 240), (4.5, 4.9, 24, 400), (73, 75, 108, 510)),
    "shm:posix+spin": ((1.3, 1.5, 7.3, 236), (0.51, 0.9, 23, 213), (0.51, 0.9, 23, 213)),
    "shm:posix+spin-block": ((2.1, 2.3, 8.1, 240), (1.4, 1.9, 24, 260), (1.5, 2.1, 25, 270)),
    "mp-pipe": ((9.5, 9.9, 31, 520), (14, 15, 48, 900), (88, 92, 140, 2900)),
    "mp-queue": ((42, 44, 90, 1300), (60, 66, 110, 1700), (190, 200, 260, 3300)),
    "signal": ((3.9,) * 4, (6.8,) * 4, (80,) * 4),
    "counter": ((0.9,) * 4, (2.2,) * 4, (2.8,) * 4),
    "null": ((0.2, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2)),
}
_KNOTS = (64, 4096, 65536, 1 << 20)
_COLUMN = {
    "same-core": 0, "smt": 1, "cross-core-awake": 1, "cross-core": 2, "cross-node": 2,
    "unpinned": 2,
}  # fmt: skip


# Transports without times of their own: those of another one, times a factor.
_LIKE = {
    "pipe:1M": ("pipe", 0.98), "fifo:mknod": ("fifo", 1.01), "unix-dgram": ("unix-stream", 1.08),
    "unix-seqpacket": ("unix-stream", 1.04), "socketpair": ("unix-stream", 0.99),
    "tcp6": ("tcp", 1.03), "sysv-queue:types": ("sysv-queue", 1.12),
    "mp-pipe-pickle": ("mp-pipe", 1.6), "mp-simple-queue": ("mp-pipe", 1.9),
    "shm:sysv+posix-sem": ("shm:posix+posix-sem", 1.0),
    "shm:file+posix-sem": ("shm:posix+posix-sem", 1.02),
    "shm:tmpfs+posix-sem": ("shm:posix+posix-sem", 1.0),
    "shm:memfd+posix-sem": ("shm:posix+posix-sem", 1.0),
    "shm:mp+posix-sem": ("shm:posix+posix-sem", 1.01),
    "shm:posix+sysv-sem": ("shm:sysv+sysv-sem", 1.0), "shm:posix+eventfd": ("pipe", 1.1),
}  # fmt: skip
_SIGNALS = {"posix-sem": 0.8, "sysv-sem": 1.1, "eventfd": 1.0, "futex": 0.75, "signal": 1.9}
_GUARDS = {"posix-sem": 1.0, "sysv-sem": 2.6, "mp-lock": 1.2, "unguarded": 0.15}


def reference(
    transport: str, pattern: str, size: int, processes: int, placement: str, number: int
) -> float:
    """Compute a `Time` from the reference; other patterns than latency are derived from it."""
    if pattern == "signal":
        return _seconds("signal", placement, 1) * _SIGNALS[transport]
    if pattern == "counter":
        return _seconds("counter", placement, 1) * _GUARDS[transport] * processes**0.4
    base = transport.removesuffix("/in-place")
    like, factor = _LIKE.get(base, (base, 1.0))
    seconds = _seconds(like, placement, max(size, 1)) * factor
    if base != transport:
        seconds = seconds * 0.65 + 2e-7
    if pattern == "latency":
        return seconds
    if pattern == "echo":
        return seconds * (0.9 + 0.02 * processes)
    if pattern != "pairs-latency":
        seconds *= 0.4 if placement == "same-core" or size > 16384 else 0.06
    if pattern in ("stream", "fan-in", "fan-out"):
        return seconds * (1.0 if pattern == "stream" else 1.2)
    links = processes // 2
    return seconds * (1.0 if placement == "same-core" else links**-0.5)


def _seconds(name: str, placement: str, size: int) -> float:
    return _interpolate(_REFERENCE[name][_COLUMN[placement]], size) * 1e-6


def breadth(rounds: int = 12, tail: int = 200) -> Results:
    """Make a sweep like that of `quick`, with every transport."""
    placed = ("same-core", "cross-core", "cross-core-awake")
    planned = cells(CARRYING, ("latency", "stream"), (64, 4096, 65536, 1 << 20), placed)
    limited = [cell for cell in planned if "queue" in cell.transport and cell.size > 8192
               and not cell.transport.startswith("mp-")]  # fmt: skip
    planned = [cell for cell in planned if cell not in limited]
    several = ("pairs", "fan-in", "fan-out", "echo")
    names = [name for name in CARRYING if name != "null" and not name.endswith("/in-place")]
    planned += cells(names, several, (64,), placed[:2], (4, 8))
    planned += cells(("pipe", "unix-stream", "fifo", "tcp"), placements=placed[:2], wait="poll")
    planned += cells(SIGNALS, ("signal",), (0,), placed)
    planned += cells(GUARDS, ("counter",), (0,), placed[:2], (2, 4, 8))
    ringed = ("shm:posix+posix-sem", "shm:posix+futex", "posix-queue")
    planned += cells(ringed, ("stream",), (64,), placed[:2], depths=(1, 2, 8, 64))
    planned += cells(("pipe", "shm:posix+posix-sem"), sizes=(64,), placements=("unpinned",))
    skips = [
        Skipped(cell=cell, reason=f"{cell.transport} takes 8192 bytes at most", remedy="sysctl")
        for cell in limited
    ]
    twins = [cell for cell in planned if cell.id == "latency/pipe/python/64B/2p/same-core"]
    return sweep(reference, planned, rounds=rounds, twins=twins, skipped=skips, tail=tail)


def both(rounds: int = 12, tail: int = 200, call: float = 3e-7) -> Results:
    """Add a C loop to `breadth`; multiprocessing has none."""
    python = breadth(rounds, tail)
    twice = [
        msgspec.structs.replace(entry.cell, runtime="native")
        for entry in python.cells.values()
        if not entry.cell.twin and entry.cell.wait == BLOCK and entry.cell.depth is None
        and entry.cell.placement in ("same-core", "cross-core-awake")
        and entry.cell.pattern in ("latency", "stream", "signal") and entry.skipped is None
    ]  # fmt: skip
    able = [cell for cell in twice if not cell.transport.startswith("mp-")]
    planned = [entry.cell for entry in python.cells.values() if entry.skipped is None]
    skips = [entry.skipped for entry in python.cells.values() if entry.skipped is not None]
    skips += [
        Skipped(cell=cell, reason=f"{cell.transport} has no native operations", remedy="")
        for cell in twice
        if cell not in able
    ]
    originals = [cell for cell in planned if not cell.twin]
    twins = [cell.original for cell in planned if cell.twin]
    return sweep(
        reference, originals + able,
        rounds=rounds, twins=twins, skipped=skips, tail=tail, call=call,
    )  # fmt: skip


def _interpolate(row: Sequence[float], size: int) -> float:
    """Interpolate linearly between the knots, both axes logarithmic."""
    x = [math.log(knot) for knot in _KNOTS]
    y = [math.log(value) for value in row]
    at = min(max(math.log(size), x[0]), x[-1])
    index = next(i for i in range(1, len(x)) if at <= x[i])
    share = (at - x[index - 1]) / (x[index] - x[index - 1])
    return math.exp(y[index - 1] + share * (y[index] - y[index - 1]))


NOT_BUILT = (
    "the native runtime is not built here: No module named 'ipcbench.transports.native._native'"
)
REMEDY = "install a C compiler and Python's headers, then install ipcbench anew"


def not_built(rounds: int = 12) -> Results:
    """Make a sweep for which both loops were requested, without a compiler."""
    planned = cells((*TRANSPORTS, "mp-pipe"), ("latency", "stream"))
    skips = [
        Skipped(
            cell=msgspec.structs.replace(cell, runtime="native"), reason=NOT_BUILT, remedy=REMEDY
        )
        for cell in planned
    ]
    return sweep(reference, planned, rounds=rounds, skipped=skips)


def some(number: int, rounds: int = 12, tail: int = 1000) -> Results:
    """Choose so many cells of `both` by chance, always the same ones."""
    results = both(rounds, tail)
    found = [name for name, entry in results.cells.items() if entry.runs]
    kept = set(random.Random(1).sample(found, number))
    results.cells = {
        name: entry for name, entry in results.cells.items() if name in kept or not entry.runs
    }
    return results
