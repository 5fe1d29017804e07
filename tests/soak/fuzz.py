"""Fuzzing: ten minutes of mutated documents for each reader of foreign files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from tests.fuzz.__main__ import READERS
from tests.soak.trials import Trial

SECONDS = 600
MARGIN = 120  # seconds for start and end, in addition


def fuzz(reader: str, seed: int) -> str:
    """Fuzz in a separate process, since libFuzzer ends its process. Raises: AssertionError."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", reader, f"--seconds={SECONDS}", f"--seed={seed}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS + MARGIN,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return next(line for line in done.stdout.splitlines() if line.startswith(f"{reader}: "))


def trials(seed: int) -> Iterator[Trial]:
    for reader in READERS:
        yield Trial(f"fuzz/{reader}", partial(fuzz, reader, seed))
