"""Disturbances made on purpose, with the real clock: busy processes, and a CPU quota."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results, load
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.trust import assess
from tests import sampling
from tests.e2e.command import DEADLINE, environment
from tests.faults import cgroups
from tests.faults.confined import Confinement
from tests.faults.sweeps import Sandbox

TWO = len(os.sched_getaffinity(0)) > 1
LAST = max(os.sched_getaffinity(0))
RUN = """
about = "Some cells, with blocks that are longer than a scheduler's slice."

[run]
rounds = {rounds}
values = 1
warmups = 1
block = "{block}"
stamps = 0
"""
CELLS = """
[[cells]]
patterns = {patterns}
transports = {transports}
sizes = ["64"]
processes = [{processes}]
placements = ["{placement}"]
runtimes = ["python", "native"]
"""


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests keep the runs that are disturbed."""
    monkeypatch.setenv("IPCBENCH_KEEP_DISTURBED", "0")


def cells(
    patterns: Sequence[str], transports: Sequence[str], placement: str, processes: int = 2
) -> str:
    return CELLS.format(
        patterns=list(patterns),
        transports=list(transports),
        processes=processes,
        placement=placement,
    ).replace("'", '"')


def swept(
    folder: Path,
    *groups: str,
    rounds: int = 2,
    block: str = "20ms",
    before: Sequence[str] = (),
) -> Results:
    """Run a sweep with the real clock."""
    profile = folder / "profile.toml"
    profile.write_text(RUN.format(rounds=rounds, block=block) + "".join(groups))
    command = [sys.executable, "-m", "ipcbench", "run", "--profile", str(profile)]
    done = subprocess.run(
        [*before, *command, "-o", str(folder / "run")],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(),
        check=False,
    )
    assert (folder / "run/report.html").exists(), done.stderr
    return load(folder / "run")


def runs(results: Results) -> list[Run]:
    return [run for result in results.cells.values() for run in result.runs]


@contextmanager
def busy(cpu: int) -> Iterator[None]:
    """Keep a process busy on one CPU."""
    pid = os.fork()
    if not pid:
        os.sched_setaffinity(0, {cpu})
        while True:
            pass
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_sweep_without_a_cell_to_measure_tells_of_no_load(sandbox: Sandbox) -> None:
    """The only line is the reason: what other processes take disturbs nothing."""
    refused = Confinement(refused={"memfd_create": "ENOSYS"})
    with busy(LAST):
        done = sandbox.run(refused, "run", "shm:memfd+posix-sem", "-o", sandbox.results)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: all cells were skipped: memfd_create(2) fails: ")


BESIDE = [
    ("same-core", LAST),
    *(("cross-core", cpu) for cpu in sorted(os.sched_getaffinity(0))[-2:]),
]


@pytest.mark.parametrize(("placement", "cpu"), sampling.some(BESIDE, 1))
def test_runs_beside_a_busy_process_are_void(tmp_path: Path, placement: str, cpu: int) -> None:
    """A pair that mostly sleeps hardly waits beside it, and is disturbed all the same."""
    if not TWO and placement != "same-core":
        pytest.skip("one CPU")
    with busy(cpu):
        # A pair that has just begun has the CPU to itself for some 50 ms: the scheduler is fair
        # in the long run.
        results = swept(tmp_path, cells(["latency"], ["pipe", "tcp"], placement), block="200ms")
    found = runs(results)
    void = [run for run in found if run.void]
    assert len(void) > len(found) / 2
    for run in void:
        assert run.foreign is not None
        assert "went to other processes" in run.void or "waited for its CPU" in run.void
    # Of TCP, interrupts may explain a part.
    usual = [one.usual_foreign for one in results.cells.values() if one.cell.transport == "pipe"]
    assert not any(usual)
    texts = " ".join(one.text for one in assess(results, measured(results)).findings)
    assert f"{len(void)} of {len(found)} runs are void" in texts


@pytest.fixture
def quota() -> Iterator[Path]:
    """A cgroup, of version 1 or 2, whose processes have 30 ms of a CPU in 100 ms."""
    base = Path("/sys/fs/cgroup")
    first = next((base / name for name in ("cpu", "cpu,cpuacct") if (base / name).is_dir()), None)
    settings = {"cpu.cfs_quota_us": "30000"} if first else {"cpu.max": "30000 100000"}
    folder = (first or base) / f"ipcbench-quota-{os.getpid()}"
    with cgroups.made(folder, settings, "quotas of CPU time") as own:
        yield own


def test_a_quota_is_the_cause_of_void_runs(quota: Path, tmp_path: Path) -> None:
    enter = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(quota / "cgroup.procs")]
    results = swept(tmp_path, cells(["latency"], ["pipe"], "same-core"), before=enter)
    stopped = [run for run in runs(results) if run.void.startswith("the CPU quota (cpu.")]
    assert stopped
    assert all(run.disturbance.throttled > 0 for run in stopped)
    texts = " ".join(one.text for one in assess(results, measured(results)).findings)
    assert "raise the quota (docker --cpus, cpu.max)" in texts


# CPU time of the blocks alone.


def test_on_one_cpu_no_unit_takes_more_cpu_time_than_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPCBENCH_KEEP_DISTURBED", "1")  # it holds for them, too
    results = swept(
        tmp_path,
        cells(["latency"], ["null", "pipe", "tcp", "shm:posix+spin", "unix-dgram"], "same-core"),
        cells(["stream"], ["null", "pipe", "tcp", "shm:posix+futex"], "same-core"),
        cells(["fan-in", "echo", "fan-out"], ["sysv-queue", "unix-dgram"], "same-core", 4),
        cells(["pairs"], ["pipe"], "same-core", 4),
        rounds=1,
    )
    shares = {}
    for run in runs(results):
        elapsed = sum(run.values) * run.loops * run.inner_loops
        shares[run.cell, run.attempt] = sum(one.cpu for one in run.usage) / elapsed
    assert len({cell for cell, _ in shares}) >= 20
    assert {key: share for key, share in shares.items() if not 0 < share <= 1.01} == {}


def test_a_receiver_that_waits_takes_a_cpu_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPCBENCH_KEEP_DISTURBED", "1")
    results = swept(tmp_path, cells(["latency"], ["pipe", "shm:posix+spin"], "same-core"), rounds=1)
    waiting = {
        (result.cell.transport, result.cell.runtime): result.waiting
        for result in results.cells.values()
    }
    assert len(waiting) == 4
    for (transport, _), shares in waiting.items():
        (share,) = shares.values()
        if transport == "pipe":
            assert share < 0.05
        else:
            assert share > 0.005  # of a CPU that other tests need, too
