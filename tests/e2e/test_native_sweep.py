"""Sweeps of the command with compiled loops, which really run, and the fake clock."""

from __future__ import annotations

import statistics
from importlib import resources
from pathlib import Path

import pytest

from ipcbench.bench.loops.clock import FakeClock
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SEEDED = ("--clock", "fake", "--seed", "7")
PROFILE = """about = "Loops in both runtimes."
[run]
rounds = 2
[[cells]]
patterns = ["latency", "stream"]
transports = ["pipe", "null"]
sizes = ["64"]
placements = ["same-core"]
runtimes = ["python", "native"]
[[controls]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]
runtimes = ["native"]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, huge_pages: None) -> Path:
    """A complete smoke sweep with compiled loops alone."""
    folder = tmp_path_factory.mktemp("native") / "run"
    smoke = (resources.files("ipcbench.bench") / "profiles" / "smoke.toml").read_text()
    placements = 'placements = ["same-core"]\n'
    profile = folder.with_name("native.toml")
    profile.write_text(smoke.replace(placements, f'{placements}runtimes = ["native"]\n'))
    done = ipcbench("run", *SEEDED, "--profile", profile, "-o", folder)
    assert done.returncode == 0, done.stderr
    assert str(folder / "report.html") in done.stdout
    return folder


@pytest.fixture(scope="module")
def results(swept: Path) -> Results:
    return load(swept)


def test_every_cell_has_a_figure_or_a_reason(results: Results) -> None:
    for result in results.cells.values():
        assert result.cell.runtime == "native"
        if result.skipped is None:
            assert result.status is Status.OK, (result.cell.id, result.failures)
            assert {run.round for run in result.runs} == {1, 2}
        elif result.cell.transport.startswith(("mp-", "nng:", "zmq:")):
            assert "has no native operations" in result.skipped.reason
        elif result.cell.pattern == "set-up":
            assert "set-up has no loops in C" in result.skipped.reason
        elif not result.cell.transport.endswith("/huge"):  # few machines have huge pages
            assert f"cannot do {result.cell.pattern}: " in result.skipped.reason


def test_all_native_transports_are_measured(results: Results) -> None:
    measured = {(result.cell.pattern, result.cell.transport) for result in results.ok()}
    assert {transport for _, transport in measured} >= {
        "pipe", "fifo", "unix-stream", "unix-seqpacket", "unix-dgram", "tcp", "sysv-queue",
        "posix-queue", "shm:posix+posix-sem", "shm:posix+futex", "eventfd",
        "signal", "posix-sem", "unguarded", "null",
    }  # fmt: skip
    waits = {
        result.cell.wait for result in results.ok() if result.cell.transport == "shm:posix+futex"
    }
    assert waits == {"block", "spin", "spin-block"}
    assert {pattern for pattern, _ in measured} >= {
        "latency", "stream", "fan-in", "fan-out", "echo", "signal", "counter",
    }  # fmt: skip


def test_the_figures_are_those_of_the_clock(results: Results) -> None:
    for result in results.ok():
        for run in result.good:
            clock = FakeClock(result.cell.original.id, run.round, result.cell.size)
            seats = PATTERNS[result.cell.pattern].seats(result.cell.processes)
            share = max(seat.share or 1 for seat in seats if seat.part.ends)
            assert statistics.fmean(run.values) == pytest.approx(
                clock.cost * share / run.inner_loops
            )


def test_round_trips_have_tails(results: Results) -> None:
    for result in results.ok():
        if result.cell.pattern in ("latency", "signal"):
            assert all(run.tail for run in result.good), result.cell.id


def test_a_profile_has_the_runtime_as_an_axis(tmp_path: Path) -> None:
    (tmp_path / "both.toml").write_text(PROFILE)
    arguments = ("run", "--clock", "fake", "--profile", tmp_path / "both.toml")
    done = ipcbench(*arguments, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    cells = {result.cell.id: result.status for result in load(tmp_path / "run").cells.values()}
    assert set(cells.values()) == {Status.OK}
    assert set(cells) == {
        *(
            f"{pattern}/{transport}/{runtime}/64B/2p/same-core"
            for pattern in ("latency", "stream")
            for transport in ("pipe", "null")
            for runtime in ("python", "native")
        ),
        "latency/pipe/native/64B/2p/same-core~twin",
    }
    assert "latency/pipe/native/64B/2p/same-core" in (tmp_path / "run/report.html").read_text()


def test_round_trips_with_pauses_have_figures_by_both_loops(tmp_path: Path) -> None:
    profile = tmp_path / "paced.toml"
    paces = 'paces = ["closed", "pause:1000us"]\n'
    profile.write_text(PROFILE.partition("[[controls]]")[0] + paces)
    folder = tmp_path / "run"
    done = ipcbench("run", "--clock", "fake", "--profile", str(profile), "-t", "pipe", "-o", folder)
    assert done.returncode == 0, done.stderr
    found = load(folder).cells
    paused = {identity: cell for identity, cell in found.items() if identity.endswith("/pause1ms")}
    for runtime in ("python", "native"):
        cell = paused[f"latency/pipe/{runtime}/64B/2p/same-core/pause1ms"]
        assert cell.status is Status.OK
        assert cell.loops == 10  # the least: the pauses count
        assert all(run.tail for run in cell.runs)
        assert all(value < 1e-3 for run in cell.runs for value in run.values)
        skipped = paused[f"stream/pipe/{runtime}/64B/2p/same-core/pause1ms"].skipped
        assert skipped is not None
        assert skipped.reason == "stream makes no pauses: its pace is closed"
    assert len(paused) == 4


BATCHES = """about = "Several messages a call."
[run]
rounds = 1
[[cells]]
patterns = ["stream", "fan-in", "latency"]
transports = ["pipe", "unix-dgram", "unix-seqpacket", "shm:posix+futex", "posix-queue"]
sizes = ["64"]
placements = ["same-core"]
runtimes = ["native", "python"]
batches = [1, 16]
"""


def test_batches_have_figures_or_reasons(tmp_path: Path) -> None:
    """Their channels are checked and timed by the calls for several messages."""
    profile = tmp_path / "batches.toml"
    profile.write_text(BATCHES)
    done = ipcbench("run", "--clock", "fake", "--profile", profile, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    for result in load(tmp_path / "run").cells.values():
        cell = result.cell
        if cell.batch == 1:
            assert result.status is Status.OK, (cell.id, result.failures)
        elif cell.pattern == "latency":
            assert result.skipped is not None
            assert "sends one message a call" in result.skipped.reason
        elif cell.transport == "posix-queue":
            assert result.skipped is not None
            assert "no call for several messages" in result.skipped.reason
        elif cell.runtime == "python":
            assert result.skipped is not None
            assert result.skipped.reason == "Python has no call for several messages"
        else:
            assert result.status is Status.OK, (cell.id, result.failures)
            assert not any(run.tail for run in result.runs)
