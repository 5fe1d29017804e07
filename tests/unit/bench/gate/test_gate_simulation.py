"""tests.bench_self.gate_simulation: its lines, from a synthetic recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ipcbench.bench.results.comparison.comparison import load
from tests import comparisons
from tests.bench_self import gate_simulation


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    noise = np.random.default_rng(7).normal(0, 0.01, 1000).tolist()
    entries = comparisons.lines(
        comparisons.cells(2), lambda cell, number: noise.pop(), pairs=40, reason="complete"
    )
    return comparisons.write(entries, tmp_path / "recorded")


def test_the_table_has_the_shares_that_are_asked_for(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_simulation, "REPEATS", 100)
    monkeypatch.setattr(gate_simulation, "CURVE", 20)
    text = "\n".join(gate_simulation.lines(load(recording), 20))
    assert "80 pairs (0 void), 60 ms each" in text
    assert "20 suites of 2 unchanged cells, delta 5%" in text
    assert "with a false alarm: 0.00% (0.00% to 16.84%, 0 of 20)" in text
    assert "slowed by 5 %: found 100.00% (96.38% to 100.00%, 100 of 100)" in text
    assert "smallest slow-down found in 95 % of cells: " in text


def test_few_pairs_are_no_recording(tmp_path: Path) -> None:
    folder = comparisons.write(comparisons.lines(comparisons.cells(1), pairs=5), tmp_path / "few")
    assert list(gate_simulation.lines(load(folder), 20)) == [
        "  no cell of the profile has 20 pairs"
    ]


def test_a_complete_recording_is_not_played_again(recording: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in recording.iterdir()}
    gate_simulation.record(recording, 100)
    assert {path: path.stat().st_mtime_ns for path in recording.iterdir()} == before
