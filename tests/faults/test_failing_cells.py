"""Cells that fail or hang: recorded with process, place and reason; the sweep continues."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, Status, load
from tests.e2e.command import ipcbench
from tests.faults.failing import Expected, check_failure, swept

FAULTS: dict[str, Expected] = {
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
    "greets-endlessly": ("peer 1 (server)", "attach", "Hello to the worker has over 16 MiB, the"),
    "writes-endlessly": ("watchdog", "attach", "the worker wrote over 16 MiB of results"),
    "stays-away": ("the worker", "attach", "TimedOut: peer 1 (server) did not answer in time"),
    "answers-late": ("watchdog", "check", "no end after 2 s: peer"),
    "hangs": ("watchdog", "block", "no end after 2 s: peer"),
    "hangs-first": ("watchdog", "block", "no end after 2 s: peer"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return swept(FAULTS, "python", tmp_path_factory.mktemp("faults") / "run")


@pytest.mark.parametrize("name", FAULTS)
def test_failure_is_recorded(name: str, results: Results) -> None:
    """The end of a process is reported at once, even where the facility does not report it."""
    check_failure(results, name, "python", FAULTS[name])


@pytest.mark.parametrize("name", ["hangs", "hangs-first", "answers-late"])
def test_the_watchdog_reports_where_each_process_waits(name: str, results: Results) -> None:
    (first, *_) = results.cells[f"latency/{name}/python/64B/2p/same-core"].failures
    assert first.what.count("waits in") == 2
    assert "worker" in first.what


def test_a_remedy_stands_beside_a_long_hello(results: Results) -> None:
    (first, *_) = results.cells["latency/greets-endlessly/python/64B/2p/same-core"].failures
    assert first.remedy == "have the endpoint's hello() return less"


def test_a_hello_of_a_megabyte_is_none_too_long(tmp_path: Path) -> None:
    done = ipcbench(
        "run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64",
        "-t", "greets-at-length", "-o", tmp_path / "run", plugins=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cell = load(tmp_path / "run").cells["latency/greets-at-length/python/64B/2p/same-core"]
    assert (cell.status, cell.failures) == (Status.OK, [])


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
