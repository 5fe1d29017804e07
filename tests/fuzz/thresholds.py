"""A file of promises, up to the verdicts on a run."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ipcbench.bench.results.records import Failed, Skipped
from ipcbench.bench.results.results import Results
from ipcbench.reports.gate import judge
from ipcbench.reports.gate.thresholds import BadThresholds, load_thresholds
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
]
_WORDS = (
    '"pipe"', '"null"', '"unix-stream"', '"tcp"', '"sysv-queue"', '"latency"', '"stream"', '"64"',
    '"64K"', '"same-core"', '"python"', '"default"', "64", "65536", "2", "true", "false", '"1.5x"',
    '"0x"', '"1000000x"', '"1000000.1"', "0.000001", "1e-7", "nan", "inf", '"memory"', '"twin"',
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


def mutated(data: bytes, rng: random.Random) -> bytes:
    return toml.mutated(data, rng, _WORDS)


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "thresholds.toml"
        path.write_bytes(data)
        try:
            thresholds = load_thresholds(path)
            judged = judge.check_promises(thresholds, _run())
        except BadThresholds as error:
            harmless.line(str(error))
            return str(error).replace(folder, "")
    harmless.lines(judge.render(judged))
    json.dumps(judge.to_json(judged), allow_nan=False)
    assert judge.exit_code(judged) in range(4)
    return ""


one: Callable[[bytes], object] = outcome
