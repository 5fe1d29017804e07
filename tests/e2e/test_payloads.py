"""Sweeps of the command with messages that are written anew, and of one process alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench

RUNTIMES = ["python"] if built() else ["python", "native"]
PROFILE = f"""about = "Written anew."
[run]
rounds = 1
values = 2
block = "1ms"
stamps = 20
[[cells]]
patterns = ["latency", "stream"]
transports = ["pipe", "mp-queue", "shm:posix+futex", "shm:posix+futex/in-place", "fifo",
    "memfd-pool/in-place", "vmsplice"]
sizes = ["5000"]
placements = ["same-core"]
payloads = ["fresh"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["latency", "stream"]
transports = ["pipe", "mp-queue", "mp-pipe-pickle5", "memfd-passed/in-place"]
sizes = ["5000"]
placements = ["same-core"]
payloads = ["array"]
[[cells]]
patterns = ["pairs"]
transports = ["unix-stream", "process-vm", "shm:posix+futex/in-place"]
sizes = ["4K"]
processes = [4]
placements = ["same-core"]
payloads = ["cold"]
[[cells]]
patterns = ["fan-in", "echo"]
transports = ["unix-stream", "mp-queue", "shm:posix+futex", "sysv-queue"]
sizes = ["5000"]
processes = [4]
placements = ["same-core"]
payloads = ["fresh"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["fan-out"]
transports = ["unix-dgram", "mp-queue", "sysv-queue"]
sizes = ["5000"]
processes = [4]
placements = ["same-core"]
payloads = ["fresh"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["fan-in", "fan-out", "echo"]
transports = ["unix-dgram"]
sizes = ["5000"]
processes = [3]
placements = ["same-core"]
payloads = ["cold"]
[[cells]]
patterns = ["fill", "scan"]
transports = ["*"]
sizes = ["64K"]
processes = [1]
placements = ["same-core", "cross-core"]
payloads = ["hot", "fresh", "cold", "array"]
runtimes = {RUNTIMES}
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "anew.toml").write_text(PROFILE)
    profile = ("--clock", "fake", "--profile", folder / "anew.toml")
    done = ipcbench("run", *profile, "-o", folder / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return load(folder / "run")


def test_every_cell_is_measured(swept: Results) -> None:
    assert not swept.with_status(Status.FAILED)
    measured = {one.cell.id for one in swept.ok()}
    assert "stream/mp-queue/python/5000B/2p/same-core/fresh" in measured
    assert "pairs/unix-stream/python/4096B/4p/same-core/cold" in measured
    assert "echo/unix-stream/python/5000B/4p/same-core/fresh" in measured
    assert "fan-out/unix-dgram/python/5000B/3p/same-core/cold" in measured
    several = [one.cell for one in swept.ok() if one.cell.pattern in ("fan-in", "fan-out", "echo")]
    in_python = [cell for cell in several if cell.runtime == "python"]
    assert len(in_python) == 2 * 4 + 3 + 3
    assert built() or len(several) == len(in_python) + 2 * 3 + 2  # mp-queue is Python's
    alone = [one.cell for one in swept.ok() if one.cell.pattern in ("fill", "scan")]
    assert {cell.transport for cell in alone} == {"null"}
    assert len(alone) == 12 * len(RUNTIMES) + 4
    arrays = [one.cell for one in swept.ok() if one.cell.payload == "array"]
    assert {cell.runtime for cell in arrays} == {"python"}
    assert sum(cell.pattern in ("latency", "stream") for cell in arrays) == 2 * 4


def test_in_place_a_channel_has_eight_slots(swept: Results) -> None:
    depths = {
        run.depth
        for one in swept.ok()
        if one.cell.transport.endswith("/in-place") and one.cell.payload in ("fresh", "array")
        for run in one.runs
    }
    assert depths == {8}


def test_a_queue_that_pickles_late_holds_fewer_arrays_than_are_written_in_turn(
    swept: Results,
) -> None:
    queues = [one for one in swept.ok() if one.cell.transport == "mp-queue"]
    depths = {(one.cell.payload, run.depth) for one in queues for run in one.runs}
    assert depths == {("fresh", 1000), ("array", 7)}


def test_round_trips_and_sends_have_single_times(swept: Results) -> None:
    for one in swept.ok():
        if one.cell.pattern in ("latency", "fan-in", "echo"):
            assert all(run.tail for run in one.runs), one.cell.id


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("pipe", "--pattern", "fill"), "fill uses no channel: its transport is null"),
        (("pipe", "--pattern", "self", "--payload", "fresh"), "self writes no message anew"),
        (("mp-queue", "--pattern", "echo", "--payload", "array"), "echo sends no arrays"),
        (("eventfd", "--pattern", "signal", "--payload", "fresh"), "signal sends no messages"),
        (("null", "--pattern", "fill", "-P", "2"), "fill has 1 process"),
        (("pipe", "--pattern", "latency", "-P", "1"), "has 2 processes"),
    ],
)
def test_what_no_cell_can_have_is_refused(
    options: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = ipcbench("run", *options, "-o", tmp_path / "run")
    assert done.returncode == 3
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
