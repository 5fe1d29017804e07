"""Complete sweeps of the command, with the fake clock: only the times are not real."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ipcbench.bench.loops.clock import FakeClock
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.results.results import Status, load
from ipcbench.bench.sweep.candidates import candidate
from ipcbench.transports.registry import meaning, names
from tests.e2e.command import DEADLINE, end, environment, ipcbench, lines, started, wait_for
from tests.soak import looks

SMOKE = ("--clock", "fake", "--profile", "smoke", "--seed", "7")
SMALL = (*SMOKE, "-t", "pipe", "-t", "sysv-queue", "-t", "shm:posix+posix-sem", "-t", "null")
TINY = (*SMOKE, "-t", "null", "-t", "pipe", "-s", "64")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, huge_pages: None) -> Path:
    """One complete smoke sweep, shared by tests that only read it."""
    folder = tmp_path_factory.mktemp("sweep") / "run"
    done = ipcbench("run", *SMOKE, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert str(folder / "report.html") in done.stdout
    return folder


def written(folder: Path) -> list[dict[str, Any]]:
    """Read the journal's lines."""
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_every_planned_cell_has_a_figure_in_every_round(swept: Path) -> None:
    results = load(swept)
    assert results.ended is not None
    assert results.ended.reason == "complete"
    loaded = [name for name in names() if candidate(name).traits is not None]
    carriers = {meaning(name)[0] for name in loaded}  # an alias is planned as what it means
    assert {result.cell.transport for result in results.cells.values()} <= carriers
    assert {result.cell.transport for result in results.ok()} >= {
        "pipe", "fifo", "unix-stream", "unix-dgram", "tcp", "sysv-queue", "posix-queue", "mp-pipe",
        "mp-queue", "shm:posix+posix-sem", "shm:sysv+posix-sem", "shm:posix+futex", "eventfd",
        "null",
    }  # fmt: skip
    for result in results.cells.values():
        if result.skipped is not None:
            assert f"cannot do {result.cell.pattern}: " in result.skipped.reason
            continue
        assert result.status is Status.OK, result.failures
        assert {run.round for run in result.runs} == {1, 2}


def test_the_figures_are_those_of_the_clock(swept: Path) -> None:
    for result in load(swept).ok():
        for run in result.good:
            pattern = PATTERNS[result.cell.pattern]
            cell = result.cell.original
            clock = FakeClock(cell.id, run.round, cell.size, weight=pattern.weight)
            seats = pattern.seats(result.cell.processes)
            share = max(seat.share or 1 for seat in seats if seat.part.ends)
            assert statistics.fmean(run.values) == pytest.approx(
                clock.cost * share / run.inner_loops
            )


def test_a_runs_usage_is_recorded(swept: Path) -> None:
    for result in load(swept).ok():
        for run in result.runs:
            assert len(run.usage) == len(run.cpus) == result.cell.processes
            assert run.foreign is not None  # measured in same-core cells
            assert 0 < run.start_up < run.wall
    pipe = load(swept).cells["latency/pipe/python/64B/2p/same-core"]
    assert all(sum(one.voluntary for one in run.usage) > 0 for run in pipe.runs)
    assert all(run.tail for run in pipe.runs)


def test_the_twin_is_a_control(swept: Path) -> None:
    results = load(swept)
    twin = results.cells["latency/pipe/python/64B/2p/same-core~twin"]
    assert twin.cell.twin
    assert twin.status is Status.OK


@pytest.mark.parametrize("command", [["stats"], ["hist"], ["check"], ["compare_to"]])
def test_pyperf_reads_the_suite(swept: Path, command: list[str]) -> None:
    suite = str(swept / "suite.json")
    arguments = [*command, suite, *([suite] if command == ["compare_to"] else [])]
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_same_seed_gives_the_same_sweep(swept: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert ipcbench("run", *SMOKE, "-o", again).returncode == 0

    def order(folder: Path) -> list[tuple[int, str]]:
        return [
            (line["round"], line["cell"])
            for line in written(folder)
            if line["kind"] == "run" and line["attempt"] == 1
        ]

    assert order(swept) == order(again)
    first, second = load(swept), load(again)
    assert first.header.plan == second.header.plan
    assert {identity: result.by_round() for identity, result in first.cells.items()} == {
        identity: pytest.approx(result.by_round()) for identity, result in second.cells.items()
    }


def test_every_round_is_shuffled(swept: Path) -> None:
    orders: dict[int, list[str]] = {}
    for line in written(swept):
        if line["kind"] == "run":
            orders.setdefault(line["round"], []).append(line["cell"])
    assert orders[1] != orders[2]
    assert set(orders[1]) == set(orders[2])


def test_an_adaptive_sweep_ends_when_its_contests_are_decided(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = ipcbench(*looks.command(folder, 7))
    assert done.returncode == 0, done.stderr
    assert "4 of 4 contests decided\n" in done.stdout
    results = load(folder)
    assert results.ended is not None
    assert results.ended.reason == "decided"
    assert [look.rounds for look in results.looks] == [8, 12, 16]
    assert [line.round for line in results.rounds if line.mini] == list(range(9, 17))
    fewest = {len(one.by_round()) for one in results.ok() if not one.cell.is_control}
    assert fewest == {16}  # few cells: all of them fill the mini-rounds
    again = ipcbench("run", "--resume", folder, "--json")
    assert again.stderr == "nothing is left to do: each of its contests is decided\n"
    assert json.loads(again.stdout)["contests"] == {"decided": 4, "all": 4}


# The command, whose schedule reads a clock of its own: each reading is a tenth of a second later.
STEADY = """
from itertools import count
from types import SimpleNamespace
from ipcbench.bench import cli
from ipcbench.bench.sweep import schedule

readings = count()
schedule.time = SimpleNamespace(monotonic=lambda: next(readings) / 10, sleep=lambda seconds: None)
cli.main()
"""


def test_a_budget_takes_the_place_of_the_rounds(tmp_path: Path) -> None:
    """However fast the machine is: the budget is one of the clock's readings."""
    order = ("run", *TINY, "--pattern", "latency", "--budget", "8s", "-o", tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-c", STEADY, *order],
        capture_output=True, text=True, timeout=DEADLINE, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = load(tmp_path / "run")
    assert results.ended is not None
    assert results.ended.reason == "budget"
    assert len(results.rounds) > 2  # the smoke profile alone has two
    for result in results.ok():  # and each round is complete
        assert len(result.by_round()) == len(results.rounds)


def test_an_interrupted_sweep_has_a_report_and_can_be_resumed(tmp_path: Path) -> None:
    folder, whole = tmp_path / "broken", tmp_path / "whole"
    with started("run", *SMALL, "-o", folder) as process:
        wait_for("ten runs", lambda: lines(folder, "run") >= 10)
        output, errors = end(process, signal.SIGINT)
    assert process.returncode == 0, errors
    assert "stopping after this run" in errors
    assert (folder / "report.html").exists(), output
    interrupted = load(folder)
    assert interrupted.ended is not None
    assert interrupted.ended.reason == "interrupted"

    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert ipcbench("run", *SMALL, "-o", whole).returncode == 0
    resumed, unbroken = load(folder), load(whole)
    assert len(resumed.resumed) == 1
    assert {key: set(result.by_round()) for key, result in resumed.cells.items()} == {
        key: set(result.by_round()) for key, result in unbroken.cells.items()
    }


def test_a_resumed_sweep_must_be_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert ipcbench("run", *TINY, "-o", folder).returncode == 0
    journal = folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"version":"', '"version":"9.', 1))
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 3
    assert "cannot be resumed here: the version was 9." in done.stderr
    assert "Traceback" not in done.stderr


def test_results_latest_points_to_the_newest(tmp_path: Path) -> None:
    for _ in range(2):
        done = ipcbench("run", *TINY, "--pattern", "latency", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    newest = json.loads(done.stdout)
    assert (tmp_path / "results/latest").resolve() == (tmp_path / newest["folder"]).resolve()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU has no other")
def test_a_warm_up_has_blocks_until_they_agree(tmp_path: Path) -> None:
    """With the fake clock two blocks agree at once; only cells with idle states look for that."""
    run = tmp_path / "run"
    placements = ("--placement", "same-core", "--placement", "unpinned", "-s", "64")
    done = ipcbench("run", *SMOKE, "null", "pipe", *placements, "--pattern", "latency", "-o", run)
    assert done.returncode == 0, done.stderr
    blocks = {"same-core": 1, "unpinned": 2}
    for result in load(tmp_path / "run").ok():
        for run in result.runs:
            assert len(run.warmups) == blocks[result.cell.placement]
            assert run.warmups == pytest.approx([run.values[0]] * len(run.warmups))
