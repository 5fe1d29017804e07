"""The cost of Python: each transport in both runtimes, 64 B, same-core and cross-core-awake."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.sweep.candidates import candidate
from ipcbench.transports.registry import names
from tests.bench_self.runs import NATIVE, Comparison, Ours, Workers
from tests.bench_self.runs import measure as measure_all

SIZE = 64
CHOICE = ("latency", "signal", "counter")  # the first pattern that a transport has


def _comparisons(workers: Workers) -> Iterator[Comparison]:
    for placement in (SAME_CORE, CROSS_CORE_AWAKE):
        for name in names():
            traits = candidate(name).traits
            topologies = traits.topologies if traits else set()
            possible = [one for one in CHOICE if PATTERNS[one].topology in topologies]
            if not possible:
                continue
            python, native = (
                Ours.planned(
                    workers,
                    Cell(
                        transport=name,
                        pattern=possible[0],
                        size=SIZE if PATTERNS[possible[0]].sized else 0,
                        placement=placement,
                        runtime=runtime,
                    ),
                )
                for runtime in ("python", NATIVE)
            )
            yield Comparison(f"{placement} {possible[0]}", python, [(native, None)])


def _format(one: Comparison) -> str:
    name = f"  {one.title:26} {one.side.cell.transport:30}"
    if one.failure:
        return f"{name} not measured: {one.failure}"
    found = one.ratio(1)
    added = median(python - native for python, native in one.times)
    return (
        f"{name} {human_seconds(one.median(0)):>8} {human_seconds(one.median(1)):>8}"
        f" {found.median:6.2f}  {found.low:.2f} to {found.high:.2f} ({found.coverage:.1%})"
        f"  {'-' if added < 0 else ''}{human_seconds(abs(added)):>8}"
    )


def measure(rounds: int, only: str) -> Iterator[str]:
    """Measure all, then yield the table's lines that contain `only`."""
    with Workers() as workers:
        wanted = [one for one in _comparisons(workers) if only in f"{one.title} {one.side.name}"]
        measure_all(workers, wanted, rounds)
    yield from map(_format, wanted)
