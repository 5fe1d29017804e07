"""Sweeps over transports with one fault each, and the check of the recorded failures."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.e2e.command import ipcbench

Expected = tuple[
    str, str, str
]  # the fields who, where and what of a failure; where and what may continue


def swept(names: Collection[str], runtime: str, folder: Path) -> Results:
    """Run one sweep over all faulty transports and a healthy pipe."""
    before = outliving()
    arguments = ["run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64",
                 "--placement", "same-core", "pipe", *names]  # fmt: skip
    done = ipcbench(*arguments, "--runtime", runtime, "-o", folder, plugins=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    for name in names:
        assert f"failed: latency/{name}/" in done.stderr
    assert not left_since(before, outliving)
    results = load(folder)
    assert len(results.cells[f"latency/pipe/{runtime}/64B/2p/same-core"].good) == 2
    return results


def check_failure(results: Results, name: str, runtime: str, expected: Expected) -> None:
    result = results.cells[f"latency/{name}/{runtime}/64B/2p/same-core"]
    assert result.status is Status.FAILED
    assert result.failures
    who, where, what = expected
    for failure in result.failures:
        assert failure.who == who, failure
        assert failure.where.startswith(where), failure
        assert failure.what.startswith(what), failure
