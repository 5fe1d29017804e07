"""Our loops compared with plain C programs that do the same (tests/reference).

On one core, each facility is compared with its reference. On two cores, the ring in shared
memory is compared with the lower bounds of the hardware: the transfer of two cache lines, and
a block of memory that one core writes and the other copies.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipcbench.bench.results.axes import BLOCK, CROSS_CORE, SAME_CORE
from ipcbench.bench.results.axes import SPIN as SPIN_WAIT
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import human_seconds, human_size
from tests.bench_self.runs import Comparison, Ours, Program, Side, Target, Workers
from tests.bench_self.runs import measure as measure_all

EQUAL = Target(0.95, 1.05)
KIB, MIB = 1 << 10, 1 << 20

# Transport -> its reference, and the target of the ratio on one core.
FACILITIES: dict[str, tuple[str, Target | None]] = {
    "pipe": ("pipe", EQUAL),
    "fifo": ("fifo", EQUAL),
    "unix-stream": ("unix_stream", EQUAL),
    "tcp": ("tcp", EQUAL),
    "sysv-queue": ("sysv_queue", EQUAL),
    "posix-queue": ("posix_queue", EQUAL),
    "shm:posix+posix-sem": ("shm_posix_sem", EQUAL),
    "shm:posix+futex": ("shm_futex", EQUAL),
    "unix-seqpacket": ("unix_seqpacket", None),
    "unix-dgram": ("unix_dgram", None),
    "shm:posix+sysv-sem": ("shm_sysv_sem", EQUAL),
    "shm:posix+eventfd": ("shm_eventfd", EQUAL),
    "shm:posix+spin": ("shm_spin", None),
}
# Transport that spins -> its reference, on two cores: round trips of 64 bytes, or of nothing.
SPINNING = {
    "pipe": "pipe_spin",
    "fifo": "fifo_spin",
    "unix-stream": "unix_stream_spin",
    "tcp": "tcp_spin",
    "sysv-queue": "sysv_queue_spin",
    "posix-queue": "posix_queue_spin",
    "sysv-sem": "sysv_sem_spin",
    "posix-sem": "posix_sem_spin",
    "eventfd": "eventfd_spin",
}
SIGNALS = {"sysv-sem", "posix-sem", "eventfd"}
LONGEST = {"sysv-queue": 8 * KIB, "posix-queue": 8 * KIB}  # kernel.msgmax, fs.mqueue.msgsize_max

SPIN = "shm:posix+spin"
IN_PLACE = "shm:posix+spin/in-place"
FLOOR = {8: Target(0, 1.10), 48: Target(0, 1.10), 64: Target(0, 1.45)}  # bytes -> round trips
DEPTHS = (256, 1024, 16384)  # slots of a stream of 64 bytes; 1024 are the default
AS_FAST = Target(0, 1.00)
NINE_TENTHS = Target(0, 1 / 0.9)  # of a floor's throughput


def comparisons(workers: Workers, runtime: str) -> Iterator[Comparison]:
    """Yield the comparisons in the order of the table."""

    def ours(
        transport: str,
        pattern: str,
        size: int,
        placement: str,
        depth: int | None = None,
        wait: str = BLOCK,
    ) -> Ours:
        cell = Cell(
            transport=transport,
            pattern=pattern,
            size=size,
            placement=placement,
            runtime=runtime,
            depth=depth,
            wait=wait,
        )
        return Ours.planned(workers, cell)

    for pattern, size in (
        ("latency", 64),
        ("latency", 8 * KIB),
        ("stream", 64),
        ("stream", 64 * KIB),
    ):
        for transport, (source, target) in FACILITIES.items():
            fitting = min(size, LONGEST.get(transport, size))
            one = ours(transport, pattern, fitting, SAME_CORE)
            yield _compared(one, (Program(source, one), target))

    for transport, source in SPINNING.items():
        pattern, size = ("signal", 0) if transport in SIGNALS else ("latency", 64)
        one = ours(transport, pattern, size, CROSS_CORE, wait=SPIN_WAIT)
        yield _compared(one, (Program(source, one), EQUAL))

    for size, target in FLOOR.items():
        one = ours(SPIN, "latency", size, CROSS_CORE)
        yield _compared(
            one,
            (Program("cache_lines", one, size=0, depth=1), target),
            (Program("cache_lines", one, size=0, depth=64), None),
            (Program("cache_lines", one, depth=64), None),
            (Program("shm_spin", one), None),
        )
    for depth in DEPTHS:
        one = ours(SPIN, "stream", 64, CROSS_CORE, depth)
        yield _compared(one, (Program("shm_spin", one, depth=depth), None))
    for size in (64 * KIB, MIB):
        one = ours(SPIN, "stream", size, CROSS_CORE)
        yield _compared(
            one,
            (Program("shm_spin", one), AS_FAST),
            (Program("hand_over", one), NINE_TENTHS),
            (Program("hand_over", one, depth=1), NINE_TENTHS),
        )
        yield _compared(ours(IN_PLACE, "stream", size, CROSS_CORE), (one, AS_FAST))


def _compared(ours: Ours, *others: tuple[Side, Target | None]) -> Comparison:
    cell = ours.cell
    wait = "" if cell.wait == BLOCK else f" {cell.wait}"
    title = f"{cell.pattern} {human_size(cell.size)} {cell.placement}{wait}"
    return Comparison(title, ours, others)


def lines(one: Comparison) -> Iterator[str]:
    """Yield a line for each side that ours is compared with."""
    if one.failure:
        yield f"  {one.title:28} {one.side.name:28} not measured: {one.failure}"
        return
    for number, (other, target) in enumerate(one.others, 1):
        found = one.ratio(number)
        verdict = "" if target is None else f"  target {target}: {target.verdict(found)}"
        yield (
            f"  {one.title:28} {one.side.name:28} {human_seconds(one.median(0)):>8}"
            f" / {human_seconds(one.median(number)):>8}  {other.name:26}"
            f" {found.median:6.3f}  {found.low:.3f} to {found.high:.3f}"
            f"  ({found.coverage:.1%}, {found.n} rounds){verdict}"
        )
    if one.side.cell.depth is not None:
        yield (
            f"  {one.title:28} {one.side.name:28} {1e-6 / one.median(0):.2f} million messages a "
            f"second in {one.side.cell.depth} slots, the reference {1e-6 / one.median(1):.2f}"
        )


def measure(runtime: str, rounds: int, only: str) -> Iterator[str]:
    """Measure all, then yield the table's lines whose title contains `only`."""
    with Workers() as workers:
        wanted = [
            one for one in comparisons(workers, runtime) if only in f"{one.title} {one.side.name}"
        ]
        measure_all(workers, wanted, rounds)
    for one in wanted:
        yield from lines(one)
