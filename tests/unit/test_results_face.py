"""ipcbench.results: a run's folder, read as its example shows."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import ipcbench.results
from ipcbench.bench.results.records import Run
from ipcbench.results import contests, load, records
from tests import synthetic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    planned = synthetic.cells(("pipe",), sizes=(64,))
    found = synthetic.sweep(lambda *_: 2e-6, planned, rounds=12)
    return synthetic.write_journal(found, tmp_path / "results/latest").parent


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_is_read(kind: type, folder: Path) -> None:
    results = load(kind(folder))
    (result,) = results.ok()
    assert result.cell.transport == "pipe"
    assert all(isinstance(run, Run) for run in result.runs)
    assert len(results.rounds) == 12


def test_the_example_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parents[1])
    found = doctest.testmod(ipcbench.results, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted == 2
    assert found.failed == 0


def test_rows_are_for_a_data_frame(folder: Path) -> None:
    (row,) = records(folder)
    assert row["cell"] == "latency/pipe/python/64B/2p/same-core"
    assert (row["status"], row["rounds"], row["size"]) == ("ok", 12, 64)
    assert row["seconds"] == pytest.approx(2e-6, rel=0.1)
    assert contests(folder) == []


def test_the_face_is_three_names() -> None:
    assert ipcbench.results.__all__ == ["contests", "load", "records"]
