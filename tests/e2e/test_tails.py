"""Sweeps of the command: the single times of every pattern that can tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.results.results import Results, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench

PROFILE = """about = "Single times."
[run]
rounds = 2
values = 2
block = "1ms"
stamps = 30
[[cells]]
patterns = ["latency", "stream"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]
runtimes = RUNTIMES
[[cells]]
patterns = ["pairs-latency", "echo", "fan-in"]
transports = ["pipe", "shm:posix+posix-sem"]
processes = [4]
sizes = ["64"]
placements = ["same-core"]
runtimes = RUNTIMES
[[cells]]
patterns = ["signal"]
transports = ["eventfd"]
sizes = ["0"]
placements = ["same-core"]
runtimes = RUNTIMES
"""
RUNTIMES = ["python"] if built() else ["python", "native"]
SLOW = """about = "One slow client, with the clock of the machine."
[run]
rounds = 1
values = 2
block = "10ms"
stamps = 0
[[cells]]
patterns = ["echo", "fan-in"]
transports = ["slows-one"]
processes = [4]
sizes = ["64"]
placements = ["same-core"]
"""
SINGLE = {
    "latency": "round trip",
    "pairs-latency": "round trip",
    "echo": "round trip",
    "signal": "round trip",
    "fan-in": "send",
    "stream": "",
}
STAMPING = {"latency": 1, "pairs-latency": 2, "echo": 3, "signal": 1, "fan-in": 3, "stream": 0}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("tails")
    profile = folder / "tails.toml"
    profile.write_text(PROFILE.replace("RUNTIMES", str(RUNTIMES)))
    done = ipcbench("run", "--clock", "fake", "--profile", str(profile), "-o", folder / "run")
    assert done.returncode == 0, done.stderr
    return load(folder / "run")


def test_every_process_that_can_tell_single_times_does(results: Results) -> None:
    cells = list(results.ok())
    assert {(cell.cell.pattern, cell.cell.runtime) for cell in cells} == {
        (pattern, runtime) for pattern in SINGLE for runtime in RUNTIMES
    }
    for cell in cells:
        for run in cell.good:
            processes = STAMPING[cell.cell.pattern]
            assert sum(run.tail.values()) == cell.stamps * processes, cell.cell.id


def test_the_fact_says_what_a_single_time_is_of(results: Results) -> None:
    for cell in results.ok():
        assert cell.facts is not None
        assert cell.facts.single == SINGLE[cell.cell.pattern]


def test_several_clients_have_a_ratio_of_the_slowest_to_the_fastest(results: Results) -> None:
    """In the time of the fake clock, all take as long."""
    for cell in results.ok():
        several = cell.cell.pattern in ("pairs-latency", "echo", "fan-in")
        wanted = {"slowest / fastest": 1.0} if several else {}
        assert all(run.observations == wanted for run in cell.good), cell.cell.id


def test_a_slow_client_makes_the_ratio_large(tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text(SLOW)
    arguments = ("run", "--profile", tmp_path / "slow.toml", "-o", tmp_path / "run")
    ipcbench(*arguments, plugins=True)  # a busy machine voids the runs, which is no matter here
    cells = load(tmp_path / "run").cells.values()
    assert len(cells) == 2
    for cell in cells:
        assert cell.runs, cell.failures
        assert all(run.observations["slowest / fastest"] > 2 for run in cell.runs), cell.cell.id


def test_a_fast_loop_has_more_stamps(results: Results) -> None:
    found = {cell.stamps for cell in results.ok()}
    assert found == {0, 30, 150}


def test_the_unit_is_that_of_a_part_with_stamps() -> None:
    for name, pattern in PATTERNS.items():
        stamped = [seat.part for seat in pattern.seats(4) if seat.part.stamped]
        assert bool(stamped or pattern.open_loop) == bool(pattern.single), name
