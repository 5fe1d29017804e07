"""ipcbench.results: a run's folder, read as its example shows."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import ipcbench.results
from ipcbench.results import load, records
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
    assert all(isinstance(run, records.Run) for run in result.runs)
    assert len(results.rounds) == 12


def test_the_example_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parents[1])
    found = doctest.testmod(ipcbench.results, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted == 4
    assert found.failed == 0


def test_the_face_is_two_names() -> None:
    assert ipcbench.results.__all__ == ["load", "records"]
