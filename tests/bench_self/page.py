"""The time and the size of the page: of a recorded run, and of one of 1,000 cells."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.synthetic import some, write_journal

MOST = {"recorded": (5.0, 1.5), "1,000 cells": (20.0, 4.0)}  # seconds, MiB


def measure(results: Path) -> Iterator[str]:
    """Write each page by the command, as a user does, and tell its time and its size."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if (results / "journal.jsonl").exists():
            (place / "recorded").mkdir()
            shutil.copy(results / "journal.jsonl", place / "recorded")
            yield _line(place, "recorded")
        write_journal(some(1000), place / "1,000 cells")
        yield _line(place, "1,000 cells")


def _line(place: Path, name: str) -> str:
    begun = time.monotonic()
    command = [sys.executable, "-m", "ipcbench", "report", str(place / name)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, size = time.monotonic() - begun, (place / name / "report.html").stat().st_size
    most = MOST[name]
    return (
        f"  {name:12} {seconds:5.1f} s (target: {most[0]:.0f} s)"
        f"  {size / 2**20:5.2f} MiB (target: {most[1]:.1f} MiB)"
    )
