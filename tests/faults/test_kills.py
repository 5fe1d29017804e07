"""Killed sweeps: measured runs are kept, nothing is left behind, and they can be resumed."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from ipcbench.transports.testing.leaks import (
    kernel_objects,
    left_since,
    snapshot,
    without_other_runs,
)
from tests.e2e.command import (
    DEADLINE,
    alive,
    command_line,
    descendants,
    ipcbench,
    lines,
    parts,
    started,
    wait_for,
)
from tests.sampling import some

SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "--seed", "3")
SOME = ("-t", "pipe", "-t", "sysv-queue", "-t", "shm:posix+posix-sem", "-t", "unix-stream")
SLOW, QUICK = (f"latency/{name}/python/64B/2p/same-core" for name in ("dawdles", "null"))


# Its runs last for seconds: listing the kernel's objects takes longer than a usual run.
LONG = """
about = "Long runs over a queue."
run = { rounds = 1, values = 1, warmups = 0, block = "3s", stamps = 0 }

[[cells]]
patterns = ["latency"]
transports = ["sysv-queue"]
sizes = ["64"]
placements = ["same-core"]
"""


def objects() -> set[str]:
    """List the kernel objects that exist now."""
    return {str(one) for one in without_other_runs(kernel_objects())}


def seed_for(identity: str) -> str:
    """Find a seed whose digests put this cell first in a round."""
    cells = [SLOW, QUICK, f"{SLOW}~twin", f"{QUICK}~twin"]
    for seed in range(1000):
        ranks = {cell: hashlib.sha256(f"{seed}/0/{cell}".encode()).digest() for cell in cells}
        if min(cells, key=ranks.__getitem__) == identity:
            return str(seed)
    raise AssertionError("no seed puts it first")


def test_the_command_is_killed(tmp_path: Path) -> None:
    before = snapshot()
    folder = tmp_path / "run"
    with started(*SWEEP, *SOME, "-o", folder) as process:
        wait_for("five runs", lambda: lines(folder, "run") >= 5)
        below = descendants(process.pid)
        assert below
        process.kill()
    wait_for("the end of every process", lambda: not alive(below))
    assert not left_since(before)
    runs = lines(folder, "run")
    assert runs >= 5

    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    results = load(folder)
    assert len(results.resumed) == 1
    assert all(set(one.by_round()) == {1, 2} for one in results.cells.values() if not one.skipped)


@pytest.mark.parametrize("victim", some(["fork server", "worker", "peer"], 1))
def test_a_child_process_is_killed(victim: str, tmp_path: Path) -> None:
    """Only that run fails; the sweep continues with the next one."""
    before = snapshot()
    folder = tmp_path / "run"
    with started(
        "run", "--profile", "smoke", "--clock", "fake", "-t", "dawdles", "-t", "null",
        "--pattern", "latency", "-s", "64", "-o", folder, "--seed", seed_for(SLOW), plugins=True,
    ) as process:  # fmt: skip
        wait_for(f"a {victim}", lambda: parts(process.pid)["peer"])
        for pid in parts(process.pid)[victim]:
            os.kill(pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, errors
    results = load(folder)
    assert results.ended is not None
    assert results.ended.reason == "complete"
    assert results.cells[SLOW].failures
    assert len(results.cells[QUICK].good) == 2
    assert not left_since(before)


def test_clean_removes_leftover_objects_alone(tmp_path: Path) -> None:
    """With the cleanup process killed too, `clean` finds the objects by the ledger."""
    before, found, profile = snapshot(), objects(), tmp_path / "long.toml"
    profile.write_text(LONG)
    sweep = ("run", "--profile", profile, "--clock", "fake", "-o", tmp_path / "run")
    with started(*sweep) as process:
        wait_for("a queue", lambda: "System V msg" in " ".join(objects() - found))
        below = descendants(process.pid)
        for pid in below:  # the cleanup process first, so that it cannot clean up
            if "ipcbench.bench.machine.guardian" in command_line(pid):
                os.kill(pid, signal.SIGKILL)
        process.kill()
    wait_for("the end of every process", lambda: not alive(below))

    done = ipcbench("clean")
    assert done.returncode == 0, done.stderr
    assert not left_since(before)
    assert "0 objects removed" in ipcbench("clean").stdout


def test_clean_leaves_a_running_sweep_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(*SWEEP, *SOME, "-o", folder) as process:
        wait_for("two runs", lambda: lines(folder, "run") >= 2)
        assert "0 objects removed" in ipcbench("clean").stdout
        _, errors = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, errors
    assert not any(one.failures for one in load(folder).cells.values())
