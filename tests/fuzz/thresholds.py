"""A file of promises, up to the verdicts on a run."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ipcbench.bench.results.records import Failed, Skipped
from ipcbench.bench.results.results import Results
from ipcbench.reports.gate.baseline import Baseline
from ipcbench.reports.gate.checked import check_run
from ipcbench.reports.gate.exports.formats import FORMATS
from ipcbench.reports.gate.judge import COMMANDS
from ipcbench.reports.gate.promises.changes import changes
from ipcbench.reports.gate.promises.run_cells import of_a_run
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds, load_thresholds
from tests import synthetic
from tests.fuzz import harmless, toml

_ROOT = Path(__file__).parents[2]
SEEDS = [
    (_ROOT / "thresholds.toml").read_bytes(),
    b"""
[[promise]]
name = "memory"
faster = { transport = "shm:posix+posix-sem" }
than = { transport = "pipe" }
where = { pattern = "latency", size = "64K", placement = "same-core", processes = 2 }
at_least = "1.5x"

[[promise]]
name = "twin"
faster = { transport = "pipe", twin = true }
than = { transport = "pipe", twin = false, slowed = 0, wait = "block", batch = 1, payload = "hot" }
where = { pattern = "latency", size = 64, runtime = "python", depth = "default", looks = "default" }
at_least = 0.5
at_most = 2.0
""",
    b"""
[[promise]]
name = "change"
cells = { transport = ["pipe", "sh*"], size = [64, "64K"], wait = "*", processes = "*" }
slower_by_at_most = "5%"
machines = ["*CPU*"]
reason = "users wait for it"

[[promise]]
name = "baseline"
cells = { transport = "*", pattern = "latency", twin = false }
of_baseline_at_most = "1.1x"

[[promise]]
name = "elsewhere"
cells = { transport = "tcp" }
of_baseline_at_most = 2
machines = ["ARM"]
""",
]
_WORDS = (
    '"pipe"', '"null"', '"unix-stream"', '"tcp"', '"sysv-queue"', '"latency"', '"stream"', '"64"',
    '"64K"', '"same-core"', '"python"', '"default"', "64", "65536", "2", "true", "false", '"1.5x"',
    '"0x"', '"1000000x"', '"1000000.1"', "0.000001", "1e-7", "nan", "inf", '"memory"', '"twin"',
    '"5%"', '"0%"', '"*"', '"sh*"', '"[p-"', '["pipe", "*"]', '[64, "64K"]', '[]', '"*CPU*"',
)  # fmt: skip


@cache
def _run() -> Results:
    planned = synthetic.cells()
    tcp, fifo = synthetic.cells(("tcp", "fifo"), sizes=(64,))
    return synthetic.sweep(
        synthetic.reference,
        [*planned, fifo, *synthetic.cells(("pipe",), ("stream",), (64,))],
        rounds=7,
        twins=planned[:1],
        skipped=[Skipped(cell=tcp, reason="no network", remedy="")],
        failed=[Failed(cell=fifo.id, round=0, who="peer 1", where="attach", what="TimedOut")],
    )


@cache
def _baseline() -> Baseline:
    return Baseline(Path("stored"), _run(), advisory=True)


def mutated(data: bytes, rng: random.Random) -> bytes:
    return toml.mutated(data, rng, _WORDS)


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "thresholds.toml"
        path.write_bytes(data)
        try:
            thresholds = load_thresholds(path)
            report = check_run(thresholds, _run(), Path("run"), COMMANDS, _baseline())
            _needed(thresholds)
        except BadThresholds as error:
            harmless.line(str(error))
            return str(error).replace(folder, "")
    for write in FORMATS.values():
        harmless.lines(write(report))
    assert report.exit_code in range(4)
    return ""


def _needed(thresholds: Thresholds) -> None:
    """Select the cells that a run and a comparison need. Raises: BadThresholds."""
    cells = [result.cell for result in _run().cells.values()]
    model = _run().header.machine.cpu_model
    if thresholds.changes:
        for note in changes(thresholds, cells, model).notes:
            harmless.line(note)
    for note in of_a_run(thresholds, cells, model, until_decided=False).notes:
        harmless.line(note)


one: Callable[[bytes], object] = outcome
