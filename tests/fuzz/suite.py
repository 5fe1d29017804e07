"""A worker's pyperf file, up to the journal and the suite that are written from it."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.pyperf_file import NoFigure, calibrated
from ipcbench.bench.results.records import Disturbance
from ipcbench.bench.results.records import PlannedEntry as PlannedLine
from ipcbench.bench.results.results import load
from ipcbench.bench.results.suite import write_suite
from ipcbench.bench.sweep.replies import to_run
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.job import Outcome, Reply
from tests import synthetic
from tests.fuzz import harmless, mutation

CELL = Cell(transport="pipe", pattern="latency", size=64, placement="same-core")
FACTS = synthetic.facts("pipe", "latency")

_METADATA = {
    "date": "2026-11-25 03:54:38.273766", "duration": 0.039, "load_avg_1min": 0.43,
    "mem_max_rss": 22552576, "runnable_threads": 1, "uptime": 145.27, "name": "latency/pipe",
    "loops": 1407, "hostname": "host", "python_version": "3.11.7", "unit": "second",
}  # fmt: skip
SEEDS = [
    json.dumps(
        {
            "benchmarks": [
                {"runs": [{"values": values, "warmups": [[1407, 4.2e-6], [1407, 4e-6]]}]}
            ],
            "metadata": _METADATA,
            "version": "1.0",
        }
    ).encode()
    for values in ([4.1e-6, 4.2e-6, 4.3e-6], [1e-6])
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return mutation.raw(rng, data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = mutation.tree(rng, found)
    written = json.dumps(found).encode()
    return mutation.raw(rng, written) if rng.random() < 0.1 else written


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    refused = ""
    try:
        calibrated(data)
    except NoFigure as error:
        refused = f"calibrating: {error}"
    planned = PlannedCell(CELL, FACTS, [[0], [0]])
    found = Outcome(
        depth=None,
        in_flight=None,
        warmups=[4.2e-6],
        usage=[],
        foreign=0.0,
        disturbance=Disturbance(),
        waiting={},
        tail={},
        observations={},
        start_up=0.01,
        timed=0.1,
    )
    run = to_run(planned, 1, 1, 1000, Reply(suite=msgspec.Raw(data), outcome=found))
    if isinstance(run, ProcessFailure):
        return run.what
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        journal = Journal.create(folder)
        try:
            for line in (synthetic.header(), PlannedLine(cell=CELL, facts=FACTS), run, run):
                journal.write(line)
        finally:
            journal.close()
        assert write_suite(load(folder), folder / "suite.json")
        harmless.suite(folder / "suite.json")
    return refused


one: Callable[[bytes], object] = outcome
