"""Sweeps of the command: the single times of every pattern that can tell them."""

from __future__ import annotations

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


def test_a_fast_loop_has_more_stamps(results: Results) -> None:
    found = {cell.stamps for cell in results.ok()}
    assert found == {0, 30, 150}


def test_the_unit_is_that_of_a_part_with_stamps() -> None:
    for name, pattern in PATTERNS.items():
        stamped = [seat.part for seat in pattern.seats(4) if seat.part.stamped]
        assert bool(stamped) == bool(pattern.single), name
