"""The journal and everything made from it: page, suite, the gate's verdicts, resumption."""

from __future__ import annotations

import json
import random
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.decisions.verdicts import contests_in
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.journal import NAME, Unreadable
from ipcbench.bench.results.records import (
    Contested,
    Failed,
    Looked,
    Observation,
    Promised,
    PromiseStand,
    Resumed,
    Skipped,
    Stand,
)
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.bench.results.suite import write_suite
from ipcbench.bench.rounds.adaptive import Adaptive
from ipcbench.bench.rounds.progress import Progress
from ipcbench.reports.gate.baseline import Baseline
from ipcbench.reports.gate.checked import check_run
from ipcbench.reports.gate.exports.formats import FORMATS
from ipcbench.reports.gate.judge import COMMANDS
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds, load_thresholds
from ipcbench.reports.model import measured
from ipcbench.reports.page import page
from tests import synthetic
from tests.fuzz import harmless, mutation

SCHEMA_1 = Path(__file__).parents[1] / "unit/bench/schema1.jsonl"
DRAWN = 8  # charts are drawn for one input in so many, since drawing takes most of the time

PROMISES = """
[[promise]]
name = "memory"
faster = { transport = "shm:posix+futex" }
than = { transport = "pipe" }
where = { pattern = "latency", size = 64 }
at_least = "1.1x"
at_most = 40

[[promise]]
name = "as ever"
cells = { transport = "*", size = "*", wait = "*", batch = "*", payload = "*", pace = "*" }
of_baseline_at_most = 1.1
"""


def _journal(results: Results) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in synthetic.lines(results))


def _seeds() -> list[bytes]:
    names = ("pipe", "shm:posix+futex", "null")
    small = synthetic.cells(names, sizes=(64,))
    both = [*small, *synthetic.cells(("pipe", "shm:posix+futex"), ("stream",), (64, 4096))]
    counting = synthetic.cells(("posix-sem", "unguarded"), ("counter",), (0,), processes=(2, 4))
    others = synthetic.cells(("pipe", "posix-queue"), ("echo", "fan-in", "pairs"), (64,))
    deep = synthetic.cells(("posix-queue",), ("stream",), (64,), depths=(1, 8))
    gone = synthetic.cells(("tcp",), sizes=(64,))[0]
    skipped = [Skipped(cell=gone, reason="no network", remedy="ip link set lo up")]
    failed = [Failed(cell=small[0].id, round=0, who="peer 1", where="attach", what="TimedOut")]
    reference = synthetic.reference
    resumed = synthetic.sweep(reference, both, rounds=2, end="interrupted", steal=0.5)
    resumed.resumed = [Resumed(started="later", command=["ipcbench"], dropped="{")]
    resumed.rounds[0].void = "stolen"
    slowed = msgspec.structs.replace(small[0], slowed=5)
    judged = synthetic.sweep(reference, [*both, slowed], rounds=12)
    judged.cells[slowed.id].slow_down = 0.05
    _contest(judged, both[0], both[1])
    _promise(judged, both[1], both[0])
    _experiments(judged)
    found = [
        judged,
        synthetic.sweep(reference, both, rounds=7, twins=both[:1], tail=60, skipped=skipped),
        synthetic.sweep(reference, small, rounds=1, failed=failed, end=None),
        synthetic.sweep(reference, [*counting, *others, *deep], rounds=6, tail=5),
        synthetic.sweep(reference, [*small, *synthetic.cells(("signal",), ("signal",), (0,))]),
        resumed,
    ]  # fmt: skip
    return [*(_journal(results) for results in found), SCHEMA_1.read_bytes()]


def _contest(results: Results, first: Cell, second: Cell) -> None:
    """Add a contest of two cells, and two looks at it; the rounds after the first are mini."""
    results.contests["a"] = Contested(
        id="a", task="t", family="f", first=[first.id], second=[second.id], band=0.05, level=0.025
    )
    for number, verdict, behind in ((8, "undecided", 0.9), (12, "slower", 0.01)):
        stand = Stand(
            contest="a",
            rounds=number,
            first={first.id: behind},
            second={second.id: 0.9},
            tie=1.0,
            p=min(1.0, 2 * behind),
            verdict=verdict,
            needed=16,
        )
        results.looks.append(
            Looked(rounds=number, stands=[stand], goes_on=[first.id, second.id], left=9.5, at=90.0)
        )
    for line in results.rounds:
        line.mini = line.round > 8


def _promise(results: Results, faster: Cell, than: Cell) -> None:
    """Add the promise of the thresholds file, and two looks at it."""
    results.promises["memory"] = Promised(
        id="memory", faster=faster.id, than=than.id, at_least=1.1, at_most=40.0, level=0.025
    )
    verdicts: list[Literal["inconclusive", "kept"]] = ["inconclusive", "kept"]
    for look, verdict in zip(results.looks, verdicts, strict=True):
        stand = PromiseStand(
            promise="memory",
            rounds=look.rounds,
            above_least=0.001,
            below_most=0.002,
            below_least=1.0,
            above_most=1.0,
            verdict=verdict,
            needed=12,
        )
        look.promises.append(stand)


def _experiments(results: Results) -> None:
    """Add the observations of an experiment that was played, and of one that failed."""
    found = [
        Observation(
            experiment="lost-updates",
            figures={"updates lost, unguarded": 8000.0, "updates lost, posix-sem": 0.0},
            texts={"bound": "memory"},
            rows=[{"guard": "unguarded", "updates lost": 6000.0}],
            seconds=0.5,
            at=20.5,
        ),
        Observation(experiment="semaphore-misuse", failed="no end after 60 s", remedy="wait"),
        Observation(experiment="waiting-cpu", skipped="a budget", remedy="a larger one"),
    ]
    names = [one.experiment for one in found]
    results.header = msgspec.structs.replace(results.header, experiments=names)
    results.observations = dict(zip(names, found, strict=True))


SEEDS = _seeds()


def mutated(data: bytes, rng: random.Random) -> bytes:
    found = [_parsed(line) for line in data.splitlines()]
    for _ in range(rng.choice((1, 1, 2, 4))):
        choice = rng.random()
        if choice < 0.45:
            found = _one_field(rng, found)
        elif choice < 0.75:
            found = _renamed(rng, found)
        elif choice < 0.97:
            kept = (
                found[:1] if rng.random() < 0.95 else []
            )  # keep the header: no reading without it
            found = [*kept, *mutation.lines(rng, found[len(kept) :])]
        else:
            return mutation.raw(rng, _written(found))
    return _written(found)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _written(found: list[Any]) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in found
    )


def _one_field(rng: random.Random, found: list[Any]) -> list[Any]:
    """Change one line, or all lines of its kind in the same field."""
    at = [index for index, line in enumerate(found) if isinstance(line, dict)]
    if not at:
        return found
    kinds = sorted({str(found[index].get("kind")) for index in at})
    kind = rng.choice(kinds)
    of_kind = [index for index in at if str(found[index].get("kind")) == kind]
    chosen = of_kind if rng.random() < 0.15 else [rng.choice(of_kind)]
    state = rng.getstate()
    changed = list(found)
    for index in chosen:
        rng.setstate(state)
        line = mutation.tree(rng, found[index])
        if isinstance(line, dict) and rng.random() < 0.95:  # keep its kind and cell valid
            line |= {
                key: found[index][key] for key in ("kind", "cell") if _is_text(found[index], key)
            }
        changed[index] = line
    return changed


def _is_text(line: dict[str, Any], key: str) -> bool:
    return isinstance(line.get(key), str)


def _renamed(rng: random.Random, found: list[Any]) -> list[Any]:
    """Change a cell or its facts, and the name of the cell in all other lines."""
    planned = ("cell", "gated")
    at = [i for i, one in enumerate(found) if isinstance(one, dict) and one.get("kind") in planned]
    if not at:
        return found
    index = rng.choice(at)
    part = rng.choice(("cell", "cell", "facts"))
    line = {**found[index], part: mutation.tree(rng, found[index].get(part))}
    before, after = _identity(found[index]), _identity(line)
    changed = [*found[:index], line, *found[index + 1 :]]
    if before and after:
        for i, one in enumerate(changed):
            if isinstance(one, dict) and one.get("cell") == before:
                changed[i] = {**one, "cell": after}
    return changed


def _identity(line: dict[str, Any]) -> str:
    try:
        return msgspec.convert(line["cell"], Cell).id
    except (msgspec.ValidationError, KeyError, ValueError, OverflowError):
        return ""


@cache
def _thresholds() -> Thresholds:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "promises.toml"
        path.write_text(PROMISES)
        return load_thresholds(path)


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / NAME).write_bytes(data)
        try:
            results = load(folder)
        except Unreadable as error:
            harmless.line(str(error))
            return str(error).replace(name, "")
        _use(results, folder, draw=zlib.crc32(data) % DRAWN == 0)
    return ""


def _use(results: Results, folder: Path, draw: bool) -> None:
    for status in Status:
        results.with_status(status)
    _go_on(results)
    if write_suite(results, folder / "suite.json"):
        harmless.suite(folder / "suite.json")
    if draw:
        text = page.write(results, folder).read_text(encoding="utf-8")
        for path in (folder / "figures").glob("*.svg"):
            harmless.drawing(path.read_text())
    else:
        text = page.render(results, measured(results), [])
    harmless.page(text)
    try:
        baseline = Baseline(folder, results, advisory=True)
        report = check_run(_thresholds(), results, folder, COMMANDS, baseline)
    except BadThresholds as error:
        harmless.line(str(error))
    else:
        for write in FORMATS.values():
            harmless.lines(write(report))


def _go_on(results: Results) -> None:
    """Take up an adaptive sweep: take the looks that are due, and choose what goes on."""
    progress = Progress.of(results)
    if not results.contests:
        return
    judge_of_contests = Judge(
        contests_in(results), lambda identity: results.cells[identity].cell.placement
    )
    adaptive = Adaptive(judge_of_contests, results.looks)
    for _ in LOOKS:
        if (rounds := adaptive.due(progress.times)) is not None:
            adaptive.look(progress.times, rounds)
    usual = dict.fromkeys(results.cells, 0.04)
    adaptive.choose(progress.times, progress.loops, progress.prices(usual), 60.0)


one: Callable[[bytes], object] = outcome
