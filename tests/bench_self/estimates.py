"""Times that a dry run forecasts, and the real ones of the same orders, page included."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ORDERS = (
    "",
    "pipe unix-stream",
    "--profile smoke",
    "--profile standard -t pipe -t unix-stream --rounds 4",
    "pipe unix-stream tcp --pattern fan-in --pattern echo -P 4 -P 8",
)


@dataclass(frozen=True)
class Timed:
    """An order with its seconds. `cells`: their number."""

    order: str
    cells: int
    expected: float
    real: float


def measure(only: str = "") -> Iterator[Timed]:
    """Yield each order with its times: the first is the default profile, of three minutes.

    `only`: a part of the order; "": all.
    """
    for order in ORDERS:
        if only not in order:
            continue
        words = [sys.executable, "-m", "ipcbench", "run", *shlex.split(order)]
        dry = subprocess.run(
            [*words, "--dry-run", "--json"], capture_output=True, text=True, check=True
        )
        found = json.loads(dry.stdout)
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            subprocess.run(
                [*words, "-o", Path(folder, "run")], stdout=subprocess.DEVNULL, check=True
            )
            real = time.monotonic() - began
        yield Timed(order or "(quick)", len(found["cells"]), found["seconds"], real)
