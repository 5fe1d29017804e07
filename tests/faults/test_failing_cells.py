"""A cell that fails or hangs is recorded with who, where and what; the sweep goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results import Results, Status, load
from tests.e2e.command import ipcbench
from transports.testing.leaks import left_since, outliving

# transport -> who, where (as it begins), what (as it begins)
FAULTS = {
    "leaves": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-memory": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-queue": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-unheard": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-first": ("the worker", "block", "exited with 7"),
    "dies": ("peer 1 (server)", "block", "was killed by SIGKILL"),
    "garbles": ("the worker", "check", "Corrupt: message 0 of sender 0, 64 bytes: byte 63 is"),
    "cuts": ("the worker", "check", "Corrupt: a message of 64 bytes arrived as one of 63"),
    "repeats": ("the worker", "check", "Corrupt: message 1 of sender 0, 64 bytes: byte"),
    "raises": ("peer 1 (server)", "attach", "RuntimeError: no such luck"),
    "comes-late": ("the worker", "attach", "TimedOut: peer 1 (server) did not answer in time"),
    "stays-away": ("the worker", "attach", "TimedOut: peer 1 (server) did not answer in time"),
    "answers-late": ("watchdog", "check", "no end after 2 s: peer"),
    "hangs": ("watchdog", "block", "no end after 2 s: peer"),
    "hangs-first": ("watchdog", "block", "no end after 2 s: peer"),
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One sweep over all that goes wrong, and a healthy pipe between them."""
    before = outliving()
    folder = tmp_path_factory.mktemp("faults") / "run"
    arguments = ["run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64"]
    for name in ("pipe", *FAULTS):
        arguments += ["-t", name]
    done = ipcbench(*arguments, "-o", folder, plugins=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    for name in FAULTS:
        assert f"failed: latency/{name}/" in done.stderr
    assert not left_since(before, outliving)
    return load(folder)


def test_the_healthy_cell_is_measured(swept: Results) -> None:
    assert len(swept.cells["latency/pipe/python/64B/2p/same-core"].good) == 2


@pytest.mark.parametrize("name", FAULTS)
def test_who_where_and_what(name: str, swept: Results) -> None:
    """Told at once where a process ends, whether the facility reports that or is silent."""
    result = swept.cells[f"latency/{name}/python/64B/2p/same-core"]
    assert result.status is Status.FAILED
    for failure in result.failures:
        who, where, what = FAULTS[name]
        assert failure.who == who, failure
        assert failure.where.startswith(where), failure
        assert failure.what.startswith(what), failure


@pytest.mark.parametrize("name", ["hangs", "hangs-first", "answers-late"])
def test_the_watchdog_says_what_each_process_does(name: str, swept: Results) -> None:
    (first, *_) = swept.cells[f"latency/{name}/python/64B/2p/same-core"].failures
    assert first.what.count("waits in") == 2
    assert "worker" in first.what


def test_a_broken_plugin_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "ipcbench_broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[ipcbench.transports]\nnowhere = nowhere:Nothing\n")
    done = ipcbench(
        "run", "--profile", "smoke", "--clock", "fake", "-t", "nowhere", "-t", "null",
        "-o", tmp_path / "run", PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "run").with_status(Status.SKIPPED)
    skipped = [one for one in found if one.cell.transport == "nowhere"]
    assert skipped
    assert all(one.skipped and "does not load" in one.skipped.reason for one in skipped)
