"""CPUs that change during a sweep: no figure mixes two sets of CPUs without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcbench.bench.results.results import Status, load
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.trust import assess
from tests.e2e.command import DEADLINE, environment, ipcbench, lines, wait_for
from tests.faults import cgroups
from tests.sampling import some

_FIRST = Path("/sys/fs/cgroup/cpuset")  # cgroups(7): one hierarchy for each controller
TWO = {0, 1} <= os.sched_getaffinity(0)
ROUNDS = 12
PROFILE = f"""
about = "Two cells, in many rounds."

[run]
rounds = {ROUNDS}
values = 1
warmups = 0
block = "2ms"

[[cells]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["unpinned", "same-core"]
"""


@pytest.fixture
def cpuset() -> Iterator[Path]:
    """A cgroup with the CPUs 0 and 1, of cgroups v1 or v2: cpuset(7)."""
    base = _FIRST if _FIRST.is_dir() else _FIRST.parent
    nodes = base / "cpuset.mems"
    settings = {"cpuset.mems": nodes.read_text() if nodes.exists() else "0", "cpuset.cpus": "0,1"}
    with cgroups.made(base / f"ipcbench-cpus-{os.getpid()}", settings, "controller of CPUs") as own:
        yield own


@pytest.mark.skipif(not TWO, reason="one CPU")
def test_cpus_that_are_taken_away_in_the_middle_of_a_sweep(cpuset: Path, tmp_path: Path) -> None:
    profile, folder = tmp_path / "cpus.toml", tmp_path / "run"
    profile.write_text(PROFILE)
    command = [sys.executable, "-m", "ipcbench", "run", "--profile", str(profile)]
    command += ["--clock", "fake"]  # so that no load of this machine makes a run void
    enter = 'echo $$ > "$0" && exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", enter, str(cpuset / "cgroup.procs"), *command, "-o", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            wait_for("two rounds", lambda: lines(folder, "round") >= 2)
            (cpuset / "cpuset.cpus").write_text("0")
            _, errors = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    results = load(folder)
    free = results.cells["latency/pipe/python/64B/2p/unpinned"]
    used = {tuple(run.cpus[0]) for run in free.good}
    assert used == {(0, 1), (0,)}
    pinned = results.cells["latency/pipe/python/64B/2p/same-core"]
    assert {tuple(run.cpus[0]) for run in pinned.good} == {(1,)}
    assert all("measure anew" in failure.remedy for failure in pinned.failures)
    assert pinned.failures
    findings = assess(results, measured(results)).findings
    (found,) = (one.text for one in findings if one.text.startswith("The CPUs of"))
    assert found == (
        "The CPUs of 1 cell changed during the sweep, so that a median mixes two situations: "
        "latency/pipe/python/64B/2p/unpinned had CPUs 0, 1, then CPUs 0."
    )


@pytest.mark.skipif(not TWO, reason="one CPU")
@pytest.mark.parametrize("placement", some(["same-core", "unpinned"], 1))
def test_a_run_whose_process_is_moved_does_not_count(tmp_path: Path, placement: str) -> None:
    done = ipcbench(
        "run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64",
        "--placement", placement, "moves", "pipe", "-o", tmp_path / "run",
        plugins=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = load(tmp_path / "run")
    moved = results.cells[f"latency/moves/python/64B/2p/{placement}"]
    assert moved.status is Status.DISTURBED
    assert moved.runs
    for run in moved.runs:
        assert run.void.startswith("the CPUs of process 1 changed during the run: ")
        assert run.cpus[1] != run.cpus[0]
    assert len(results.cells[f"latency/pipe/python/64B/2p/{placement}"].good) == 2
