"""Sweeps with closed standard descriptors: the same figures under the same labels."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench.results.results import load
from tests.e2e.command import DEADLINE, environment, ipcbench
from tests.sampling import some

CLOSED = [which for size in (1, 2, 3) for which in itertools.combinations((0, 1, 2), size)]
RUN = (
    "run", "--clock", "fake", "--profile", "smoke", "--pattern", "latency", "--seed", "5",
    "pipe", "null", "-s", "64", "-s", "4M", "--placement", "same-core",
)  # fmt: skip


def figures(folder: Path) -> dict[tuple[str, int], list[float]]:
    """Load (cell, round) -> values, which the fake clock makes equal in each sweep."""
    found = load(folder)
    assert not [failure for result in found.cells.values() for failure in result.failures]
    return {
        (result.cell.id, run.round): run.values
        for result in found.cells.values()
        for run in result.runs
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], list[float]]:
    folder = tmp_path_factory.mktemp("open") / "run"
    done = ipcbench(*RUN, "-o", folder)
    assert done.returncode == 0, done.stderr
    return figures(folder)


@pytest.mark.parametrize("closed", some(CLOSED, 2), ids=str)
def test_closed_descriptors_change_no_figure(
    closed: tuple[int, ...], expected: dict[tuple[str, int], list[float]], tmp_path: Path
) -> None:
    redirected = " ".join(f"{fd}>&-" for fd in closed)
    command = [sys.executable, "-m", "ipcbench", *RUN, "-o", str(tmp_path / "run")]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert figures(tmp_path / "run") == expected
