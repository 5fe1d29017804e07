"""Suite: the figures of a run, in the file format of pyperf."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.files import write_atomically
from ipcbench.bench.results.pyperf_file import accepted
from ipcbench.bench.results.records import OF_A_RUN, Run
from ipcbench.bench.results.results import Results


class Figures(NamedTuple):
    """The runs of a cell that count."""

    cell: Cell
    facts: Facts
    runs: Sequence[Run]


def write_suite(results: Results, path: Path) -> bool:
    """Write a file that pyperf's commands read; return False if no cell has a figure.

    Raises: OSError.
    """
    figures = [
        Figures(result.cell, result.facts, result.good)
        for result in results.ok()
        if result.facts is not None  # of every cell with runs: it was planned
    ]
    return write_figures(results.header.metadata, figures, path)


def write_figures(
    constants: Mapping[str, str | int | float], figures: Sequence[Figures], path: Path
) -> bool:
    """Write the runs of cells; return False if there are none. Raises: OSError.

    Args:
        constants: metadata of each run.
        figures: the cells.
        path: the file.
    """
    import pyperf  # slow to import

    benchmarks = []
    for cell, facts, counted in figures:
        axes: dict[str, str | int | float] = {
            "name": cell.id,
            "unit": "second",
            "transport": cell.transport,
            "runtime": cell.runtime,
            "pattern": cell.pattern,
            "size": cell.size,
            "processes": cell.processes,
            "placement": cell.placement,
            "per": facts.per,
            "wait": facts.wait,
            "batch": cell.batch,
            "payload": cell.payload,
            "pace": cell.pace,
            "copies": facts.copies,
        }
        if cell.looks is not None:
            axes["looks"] = cell.looks
        runs = []
        for run in counted:
            of_run = {key: run.metadata[key] for key in OF_A_RUN & run.metadata.keys()}
            own: dict[str, str | int | float] = {
                "loops": run.loops,
                "inner_loops": run.inner_loops,
                "round": run.round,
                "pinned_to": "; ".join(",".join(map(str, cpus)) for cpus in run.cpus),
            }
            held = {"depth": run.depth, "in_flight": run.in_flight}
            own |= {key: value for key, value in held.items() if value is not None}
            runs.append(
                pyperf.Run(
                    run.values,
                    warmups=[(run.loops, value) for value in run.warmups],
                    metadata=accepted({**constants, **of_run, **own, **axes}),
                    collect_metadata=False,
                )
            )
        benchmarks.append(pyperf.Benchmark(runs))
    if not benchmarks:
        return False
    text = io.StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(text)
    write_atomically(path, text.getvalue().encode())
    return True
