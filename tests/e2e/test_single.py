"""Sweeps of the command with one process that accesses a file, or that makes channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.records import PHASES
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.native import built
from tests.e2e.command import swept_by

RUNTIMES = ["python"] if built() else ["python", "native"]
PATTERNS = ["file", "file-random", "file-write", "file-write-random"]
WAYS = ["file-read", "file-pread", "file-map", "file-map:anew"]
MADE = ["pipe", "unix-stream", "tcp", "sysv-queue", "shm:posix+posix-sem", "mp-pipe", "null"]
PROFILE = f"""about = "One process."
[run]
rounds = 1
values = 2
block = "1ms"
[[cells]]
patterns = {PATTERNS}
transports = ["*"]
sizes = ["1", "4K", "1M"]
processes = [1]
placements = ["same-core"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["set-up"]
transports = {[*MADE, "fifo"]}
sizes = ["64"]
processes = [1]
placements = ["same-core"]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Sweep by the real clock: what is timed really runs."""
    return load(swept_by(PROFILE, tmp_path_factory.mktemp("single")))


def test_every_way_of_access_is_measured(swept: Results) -> None:
    assert not swept.with_status(Status.FAILED)
    files = {one.cell.id: one for one in swept.cells.values() if one.cell.pattern != "set-up"}
    assert files.keys() == {
        f"{pattern}/{way}/{runtime}/{size}B/1p/same-core"
        for pattern in PATTERNS
        for way in WAYS
        for runtime in RUNTIMES
        for size in (1, 4096, 1 << 20)
    }
    for one in files.values():
        if one.skipped is None:
            assert one.facts is not None
            assert (one.facts.per, one.facts.family) == ("access", "file")
            assert all(len(run.usage) == 1 for run in one.runs)


def test_phases_of_a_set_up_are_observed(swept: Results) -> None:
    made = {one.cell.transport: one for one in swept.ok() if one.cell.pattern == "set-up"}
    assert {"pipe", "unix-stream", "null"} <= made.keys()
    for one in made.values():
        for run in one.runs:
            assert tuple(sorted(run.observations)) == tuple(sorted(PHASES))
            assert all(seconds > 0 for seconds in run.observations.values())
    skipped = [one for one in swept.cells.values() if one.cell.transport == "fifo"]
    assert [one.skipped is not None for one in skipped] == [True]


def test_the_page_has_a_table_of_each(swept: Results, tmp_path: Path) -> None:
    from ipcbench.reports.page.page import write

    page = write(swept, tmp_path).read_text()
    assert 'id="files"' in page
    assert 'id="set-up"' in page
