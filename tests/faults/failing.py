"""Sweeps over transports that each do one thing wrong, and what is told of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ipcbench.bench.results.results import Results, Status, load
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.e2e.command import ipcbench

Told = tuple[str, str, str]  # who, where (as it begins), what (as it begins)


def swept(names: Collection[str], runtime: str, folder: Path) -> Results:
    """One sweep over all that goes wrong, and a healthy pipe between them."""
    before = outliving()
    arguments = ["run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64"]
    for name in ("pipe", *names):
        arguments += ["-t", name]
    done = ipcbench(*arguments, "--runtime", runtime, "-o", folder, plugins=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").exists()
    for name in names:
        assert f"failed: latency/{name}/" in done.stderr
    assert not left_since(before, outliving)
    results = load(folder)
    assert len(results.cells[f"latency/pipe/{runtime}/64B/2p/same-core"].good) == 2
    return results


def check_told(results: Results, name: str, runtime: str, told: Told) -> None:
    result = results.cells[f"latency/{name}/{runtime}/64B/2p/same-core"]
    assert result.status is Status.FAILED
    assert result.failures
    who, where, what = told
    for failure in result.failures:
        assert failure.who == who, failure
        assert failure.where.startswith(where), failure
        assert failure.what.startswith(what), failure
