"""A cell that fails or hangs is recorded with who, where and what; the sweep goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results import Results, Status, load
from tests.e2e.command import ipcbench

FAULTS = ("leaves", "leaves-memory", "leaves-queue", "garbles", "raises", "hangs")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One sweep over all that goes wrong, and a healthy pipe between them."""
    folder = tmp_path_factory.mktemp("faults") / "run"
    arguments = ["run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64"]
    for name in ("pipe", *FAULTS):
        arguments += ["-t", name]
    done = ipcbench(*arguments, "-o", folder, plugins=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    for name in FAULTS:
        assert f"failed: latency/{name}/" in done.stderr
    return load(folder)


def only_failure(results: Results, name: str) -> tuple[str, str, str]:
    result = results.cells[f"latency/{name}/python/64B/2p/same-core"]
    assert result.status is Status.FAILED
    first = result.failures[0]
    return first.who, first.where, first.what


def test_the_healthy_cell_is_measured(swept: Results) -> None:
    assert len(swept.cells["latency/pipe/python/64B/2p/same-core"].good) == 2


@pytest.mark.parametrize("name", ["leaves", "leaves-memory", "leaves-queue"])
def test_a_peer_that_leaves(name: str, swept: Results) -> None:
    """Told at once, whether the kernel reports the death over the channel or is silent."""
    who, where, what = only_failure(swept, name)
    assert who == "peer 1 (server)"
    assert where.startswith("block")
    assert what == "exited with 7"


def test_bytes_that_arrive_changed(swept: Results) -> None:
    who, where, what = only_failure(swept, "garbles")
    assert (who, where) == ("the worker", "check")
    assert "byte 63 is" in what


def test_a_peer_that_cannot_attach(swept: Results) -> None:
    who, where, what = only_failure(swept, "raises")
    assert (who, where) == ("peer 1 (server)", "attach")
    assert what.startswith("RuntimeError: no such luck")


def test_a_send_that_never_returns(swept: Results) -> None:
    who, where, what = only_failure(swept, "hangs")
    assert who == "watchdog"
    assert where.startswith("block")
    assert what.startswith("no end after")
    assert "waits in" in what


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
