"""Sweeps of the command with newest values: cells, observations, ages, and the page's table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.records import MISSED, TORN, VAIN
from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench, swept_by
from tests.unit.reports.pages import part

RUNTIMES = ["python"] if built() else ["python", "native"]
WAYS = [
    "latest:seqlock",
    "latest:buffers",
    "latest:pipe",
    "latest:unix-stream",
    "latest:unix-dgram",
    "latest:queue",
]
PROFILE = f"""about = "Newest values."
[run]
rounds = 1
values = 1
block = "1ms"
stamps = 20
[[cells]]
patterns = ["latest"]
transports = ["latest:*"]
sizes = ["64"]
processes = [2, 3]
placements = ["same-core"]
runtimes = {RUNTIMES}
[[cells]]
patterns = ["latest"]
transports = ["latest:seqlock", "latest:queue", "latest:pipe"]
sizes = ["16", "100K"]
processes = [2]
placements = ["same-core"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sweep by the real clock: what is timed really runs."""
    return swept_by(PROFILE, tmp_path_factory.mktemp("latest"))


@pytest.fixture(scope="module")
def swept(folder: Path) -> Results:
    return load(folder)


def test_every_cell_is_measured_or_skipped_with_its_reason(swept: Results) -> None:
    assert not swept.with_status(Status.FAILED)
    found = {one.cell.id for one in swept.ok()}
    for processes in (2, 3):
        for name in WAYS:
            assert f"latest/{name}/python/64B/{processes}p/same-core" in found
        for name in WAYS[:2] if "native" in RUNTIMES else ():
            assert f"latest/{name}/native/64B/{processes}p/same-core" in found
    assert "latest/latest:seqlock/python/102400B/2p/same-core" in found
    assert "latest/latest:pipe/python/102400B/2p/same-core" in found
    reasons = {one.cell.id: one.skipped.reason for one in swept.cells.values() if one.skipped}
    assert "24 bytes" in reasons["latest/latest:seqlock/python/16B/2p/same-core"]
    assert (
        "latest:queue takes at most" in reasons["latest/latest:queue/python/102400B/2p/same-core"]
    )
    if "native" in RUNTIMES:
        reason = reasons["latest/latest:pipe/native/64B/2p/same-core"]
        assert reason == "latest:pipe has no native operations: only Python can measure it"


def test_a_run_has_its_observations_and_the_ages(swept: Results) -> None:
    for one in swept.ok():
        (run,) = one.good
        assert {MISSED, VAIN, TORN} <= run.observations.keys()
        assert all(0 <= run.observations[name] <= 1 for name in (MISSED, VAIN, TORN))
        assert one.facts is not None
        assert (one.facts.per, one.facts.single) == ("update seen", "age of a value")
        assert len(run.usage) == one.cell.processes
        assert all(process.cpu > 0 for process in run.usage)
    assert any(run.tail for one in swept.ok() for run in one.good)


def test_the_page_has_the_table(folder: Path, swept: Results) -> None:
    page = (folder / "report.html").read_text()
    section = part(page, "newest")
    for name in WAYS:
        assert name in section
    assert section.count('<th scope="row">') == len(list(swept.ok()))


def test_a_transport_of_another_kind_is_refused(tmp_path: Path) -> None:
    done = ipcbench("run", "pipe", "--pattern", "latest", "-o", tmp_path / "run")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
