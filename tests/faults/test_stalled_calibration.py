"""A stall in a calibration: blocks have the length that was asked for, or the page says so."""

from __future__ import annotations

from pathlib import Path

from ipcbench.bench.results.results import load
from ipcbench.bench.rounds.estimate import length
from ipcbench.bench.sweep.calibration import OFF
from tests.e2e.command import ipcbench

PROFILE = """
about = "A short one."

[run]
rounds = 2
values = 3
block = "4ms"
stamps = 0

[[cells]]
patterns = ["latency"]
transports = ["stalls-once"]
sizes = ["64"]
placements = ["same-core"]
"""


def test_a_stall_of_eight_milliseconds_is_healed(tmp_path: Path) -> None:
    """A block of eight milliseconds is long enough, and has a tenth of the loops that it needs."""
    profile, folder, stalled = tmp_path / "short.toml", tmp_path / "run", tmp_path / "stalled"
    profile.write_text(PROFILE)
    more = {"STALLED": str(stalled), "IPCBENCH_KEEP_DISTURBED": "0"}
    done = ipcbench("run", "--profile", profile, "-o", folder, plugins=True, **more)
    assert done.returncode == 0, done.stderr
    assert stalled.exists()
    (result,) = load(folder).cells.values()
    assert result.good, result.failures
    block = length(result.cell, result.good[-1])
    assert block >= 0.004 / OFF or result.rescaled
