"""Sweeps of the command with one process that sends to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench, swept_by

RUNTIMES = ["python"] if built() else ["python", "native"]
CARRIERS = ["pipe", "unix-dgram", "tcp", "sysv-queue", "posix-queue", "memfd-pool", "null"]
RINGS = ["shm:posix+futex", "shm:posix+posix-sem/in-place", "shm:posix+eventfd-counted"]
PROFILE = f"""about = "To itself."
[run]
rounds = 1
values = 2
block = "1ms"
[[cells]]
patterns = ["self"]
transports = {CARRIERS + RINGS}
sizes = ["64"]
processes = [1]
placements = ["same-core"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["self"]
transports = ["pipe", "shm:posix+futex"]
sizes = ["4K"]
processes = [1]
placements = ["same-core", "unpinned"]
waits = ["spin", "spin-block"]
[[cells]]
patterns = ["self"]
transports = ["mp-pipe", "pipe", "shm:posix+posix-sem", "tcp", "unix-stream"]
sizes = ["64K", "1M"]
processes = [1]
placements = ["same-core"]
[[cells]]
patterns = ["self"]
transports = ["fifo", "mp-queue", "vmsplice", "process-vm"]
sizes = ["64"]
processes = [1]
placements = ["same-core"]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Sweep by the real clock: what is timed really runs."""
    return load(swept_by(PROFILE, tmp_path_factory.mktemp("self")))


def test_every_cell_is_measured_or_skipped_with_its_reason(swept: Results) -> None:
    assert not swept.with_status(Status.FAILED)
    measured = {one.cell.id for one in swept.ok()}
    for runtime in RUNTIMES:
        for name in CARRIERS + RINGS:
            assert f"self/{name}/{runtime}/64B/1p/same-core" in measured
    assert "self/pipe/python/4096B/1p/unpinned/wait-spin" in measured
    assert "self/shm:posix+posix-sem/python/1048576B/1p/same-core" in measured
    assert "self/tcp/python/65536B/1p/same-core" in measured
    skipped = {
        one.cell.transport: one.skipped.reason for one in swept.cells.values() if one.skipped
    }
    assert {"fifo", "mp-queue", "vmsplice", "process-vm"} <= skipped.keys()
    for name in ("pipe", "unix-stream", "mp-pipe"):
        assert skipped[name].startswith("a message of 1 MiB does not fit into it")


def test_one_process_is_measured(swept: Results) -> None:
    for one in swept.ok():
        assert one.facts is not None
        assert one.facts.per == "message"
        for run in one.runs:
            assert len(run.cpus) == len(run.usage) == 1, one.cell.id
            assert run.inner_loops == 1


def test_no_process_waits(swept: Results) -> None:
    """A process that slept would leave its CPU of its own accord, once for each message."""
    for one in swept.ok():
        for run in one.runs:
            slept = sum(each.voluntary for each in run.usage)
            assert slept <= 0.01 * run.loops * len(run.values) + 5, one.cell.id


def test_two_processes_are_refused(tmp_path: Path) -> None:
    done = ipcbench("run", "pipe", "--pattern", "self", "-P", "2", "-o", tmp_path / "run")
    assert done.returncode == 3
    assert "self has 1 process" in done.stderr
