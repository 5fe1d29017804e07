"""pyperf's Runner in a worker: made and parsed before the fork, with the facts of one run.

To build its argument parser, to parse, and to collect all metadata took 3 ms of each run. What
is the same in all runs of a sweep stands in the journal's header (bench/sweep/sweep.py), so a
worker adds those facts alone that differ between runs.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyperf
import pyperf._collect_metadata

from ipcbench.bench.machine.cpu_time import text_again
from ipcbench.bench.workers.job import Job

LOAD = Path("/proc/loadavg")  # proc_loadavg(5)
LONG_BLOCK = 0.05  # seconds of a block that a single stall does not fill
_ARGUMENTS = ["--worker", "--worker-task", "0", "--quiet", "--loops", "1", "--warmups", "0"]


def make() -> Any:
    """Make the Runner that workers inherit by fork: pyperf allows one a process."""
    runner = pyperf.Runner()
    runner.parse_args(_ARGUMENTS)
    # A task of a worker calls it by this name when its blocks are over.
    pyperf._collect_metadata.collect_metadata = facts_of_a_run
    return runner


def measure(
    runner: Any, job: Job, block: Callable[[int], float], inner_loops: int, suite_fd: int
) -> None:
    """Run the warm-ups and values of a job, or its calibration; write pyperf's file.

    Args:
        runner: as `make` returns it, in a process that has not used it.
        job: the run.
        block: runs so many loops and returns their seconds.
        inner_loops: units of a loop.
        suite_fd: where the file is written to, and which is closed then.
    """
    _set(runner.args, job, suite_fd)
    runner.bench_time_func(job.cell.id, block, inner_loops=inner_loops)


def _set(arguments: Any, job: Job, suite_fd: int) -> None:
    settings = job.settings
    arguments.pipe = suite_fd
    # Without it, pyperf pins a worker to the CPUs that the machine has isolated, if any.
    arguments.affinity = _list(job.cpus[0])
    arguments.loops = job.loops
    if job.loops:
        arguments.values, arguments.warmups = settings.values, settings.warmups
        return
    # With a warm-up, it takes two blocks of the length that is asked for: a stall
    # fills one, and the other one goes on with twice the loops.
    arguments.values, arguments.warmups = 1, 1 if settings.block < LONG_BLOCK else 0
    arguments.calibrate_loops, arguments.min_time = True, settings.block


def _list(cpus: Sequence[int]) -> str:
    return ",".join(map(str, cpus))


def facts_of_a_run() -> dict[str, str | int | float]:
    """Return pyperf's metadata that differs between runs, under pyperf's names and in its units.

    See `ipcbench.bench.results.records.OF_A_RUN`; the duration comes from pyperf itself.
    """
    found: dict[str, str | int | float] = {
        "date": datetime.now().isoformat(" "),
        "mem_max_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
    }
    load, _, rest = text_again(LOAD).partition(" ")
    runnable = rest.split(" ")[2].partition("/")[0] if rest.count(" ") > 2 else ""
    if runnable.isdigit():
        found["load_avg_1min"], found["runnable_threads"] = float(load), int(runnable)
    return found
