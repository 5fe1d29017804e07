"""Experiments that fail, hang, leak or are killed: the sweep goes on, and nothing is left."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.frame import runner
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.machine.guardian import members
from ipcbench.bench.machine.reservation import Reservation
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import load
from ipcbench.transports.testing.leaks import left_since, snapshot
from tests import experiments
from tests.available import available
from tests.e2e.command import (
    DEADLINE,
    alive,
    command_line,
    descendants,
    ipcbench,
    lines,
    started,
    wait_for,
)
from tests.experiments import experiment
from tests.sampling import some

PLAYED = "waiting-cpu"  # it takes seconds
PLAYER = "experiments.frame.player"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = snapshot()
    yield
    assert not left_since(before)


@dataclass
class Stage:
    """A reservation that plays experiments, and knows their sessions."""

    machine: Reservation
    sessions: list[int] = field(default_factory=list)

    def watch(self, session: int) -> None:
        self.sessions.append(session)
        self.machine.watch(session)

    def play(self, one: Experiment) -> Observation:
        """Play an experiment, and check that all processes of its session have ended."""
        seen = runner.play(one, self.watch)
        assert members(self.sessions[-1]) == []
        return seen


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Reservation(exclusive=False) as machine:
        yield Stage(machine)


def test_what_was_observed_comes_back(stage: Stage) -> None:
    seen = stage.play(experiment(experiments.succeeds))
    assert 0 < seen.seconds < DEADLINE
    seen.seconds = 0.0
    assert seen == experiments.succeeds()


def test_what_it_prints_is_not_shown(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    assert not stage.play(experiment(experiments.prints)).failed
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("play", "failed"),
    [
        (experiments.raises, r"ValueError: this goes\\nwrong \\x1b\[31m"),
        (experiments.says_another_name, "'another', an experiment that was not planned"),
        (experiments.says_nothing, "its process exited with 0"),
        (experiments.exits, "its process exited with 3: the last words"),
        (experiments.kills_itself, "its process was killed by SIGKILL"),
        (experiments.cannot_be_encoded, "its process exited with 1: UnicodeEncodeError"),
        (experiments.is_not_a_number, "its result cannot be used"),
        (experiments.writes_much, "its result cannot be used"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failure_is_one_line(
    play: object, failed: str, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    assert callable(play)
    seen = stage.play(experiment(play))
    assert seen.experiment == play.__name__
    assert re.search(failed, seen.failed), seen.failed
    assert seen.failed.isprintable() and not seen.figures
    assert capfd.readouterr() == ("", "")


def test_what_the_machine_lacks_is_a_skip(stage: Stage) -> None:
    seen = stage.play(experiment(experiments.is_missing))
    assert (seen.skipped, seen.remedy, seen.failed) == ("the machine lacks it", "install it", "")


def test_a_lack_of_a_child_is_a_skip(stage: Stage) -> None:
    seen = stage.play(experiment(experiments.lacks_descriptors))
    assert (seen.skipped, seen.failed) == ("a call fails: Too many open files", "")
    assert seen.remedy.startswith("ulimit -n "), seen.remedy


def test_one_that_never_ends_is_killed_with_all_its_processes(stage: Stage) -> None:
    available("sysv-queue")
    seen = stage.play(experiment(experiments.never_ends, limit=3.0))
    assert seen.failed.startswith("no end after 3 s: ")
    assert seen.failed.count("waits in") == 3, seen.failed


def test_processes_that_it_leaves_are_killed(stage: Stage) -> None:
    assert not stage.play(experiment(experiments.leaves_processes)).failed


def test_objects_that_it_leaves_are_removed_and_named(stage: Stage) -> None:
    available("sysv-queue")
    seen = stage.play(experiment(experiments.leaves_a_queue))
    assert seen.failed.startswith("it left 2 kernel objects: sysv queue ")


@pytest.mark.parametrize("name", some(list(EXPERIMENTS), 4))
def test_each_experiment_leaves_nothing(name: str, stage: Stage) -> None:
    seen = stage.play(EXPERIMENTS[name])
    assert not seen.failed, seen.failed
    assert seen.figures or seen.skipped


# The whole command.

PROFILE = """
about = "One experiment, and one cell."
run = { rounds = 1, values = 1, warmups = 0, block = "1ms", stamps = 0, experiments = ["%s"] }

[[cells]]
patterns = ["latency"]
transports = ["null"]
sizes = ["64"]
placements = ["same-core"]
"""


def sweep(tmp_path: Path) -> tuple[str | Path, ...]:
    profile = tmp_path / "one.toml"
    profile.write_text(PROFILE % PLAYED)
    return "run", "--profile", profile, "--keep-disturbed", "-o", tmp_path / "run"


def players(pid: int) -> set[int]:
    return {one for one in descendants(pid) if PLAYER in command_line(one)}


def children_of_players(pid: int) -> set[int]:
    return set[int]().union(*map(descendants, players(pid)))


def observed(folder: Path) -> Observation:
    (seen,) = load(folder).observations.values()
    assert seen.experiment == PLAYED
    return seen


def test_the_command_is_killed_and_the_experiment_is_played_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(*sweep(tmp_path)) as process:
        wait_for("processes of an experiment", lambda: len(children_of_players(process.pid)) > 5)
        below = descendants(process.pid)
        process.kill()
    wait_for("the end of every process", lambda: not alive(below))
    assert lines(folder, "calibrated") == 1
    assert not load(folder).observations

    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert observed(folder).figures
    assert "experiments: 1 played" in done.stdout
    corrected = sum(len(one.rescaled) for one in load(folder).cells.values())
    assert lines(folder, "calibrated") == 1 + corrected  # no second calibration


def test_a_killed_player_is_a_failure_and_the_sweep_goes_on(tmp_path: Path) -> None:
    with started(*sweep(tmp_path)) as process:
        wait_for("processes of an experiment", lambda: len(children_of_players(process.pid)) > 5)
        for pid in players(process.pid):
            os.kill(pid, signal.SIGKILL)
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert observed(tmp_path / "run").failed == "its process was killed by SIGKILL"
    assert "experiments: 1 failed" in output
    assert f"failed: experiment {PLAYED}: its process was killed by SIGKILL" in errors


def test_a_signal_stops_behind_the_experiment(tmp_path: Path) -> None:
    """Its observation is kept; nothing was measured yet."""
    folder = tmp_path / "run"
    with started(*sweep(tmp_path)) as process:
        wait_for("processes of an experiment", lambda: len(children_of_players(process.pid)) > 5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert "Traceback" not in errors
    assert observed(folder).figures
    assert lines(folder, "run") == 0

    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert lines(folder, "observation") == 1
    assert lines(folder, "run") >= 1


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(*sweep(tmp_path)) as process:
        wait_for("processes of an experiment", lambda: len(children_of_players(process.pid)) > 5)
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode > 128, errors
    assert "Traceback" not in errors
    wait_for("the end of every process", lambda: not alive(below))
    assert lines(folder, "run") == 0
