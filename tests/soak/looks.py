"""Looks: an adaptive sweep is killed at moments drawn from the seed, and resumed each time.

With a made-up clock it has the same looks, and its contests the same verdicts, as an unbroken
sweep. The clock is noisy, so that some contests stay open behind the base.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import msgspec

from ipcbench.bench.decisions.verdicts import ContestVerdict, of_results
from ipcbench.bench.loops.clock import NOISY
from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.records import Looked
from ipcbench.bench.results.results import Results, load
from ipcbench.transports.testing.leaks import left_since, outliving
from tests.e2e.command import DEADLINE, alive, descendants, environment, ipcbench, wait_for
from tests.soak.trials import Trial

TIMES = 100
MOST_KILLS = 3  # of a sweep

PROFILE = """
about = "Contests that eight rounds decide, and others that take more."

[run]
rounds = 8
values = 1
block = "1ms"
stamps = 20
adaptive = true

[[cells]]
patterns = ["latency"]
transports = ["fifo", "pipe", "shm:posix+posix-sem", "unix-stream", "tcp"]
sizes = ["64"]
placements = ["unpinned"]

[[controls]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["unpinned"]
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of a sweep, without what depends on the time."""

    reason: str
    looks: list[Looked]
    verdicts: list[ContestVerdict]
    times: dict[str, dict[int, float]]
    mini: list[int]


@dataclass(frozen=True, slots=True)
class Unbroken:
    """An unbroken sweep, and the seconds that it took."""

    found: Found
    seconds: float


def found(results: Results) -> Found:
    """Return what a sweep has come to."""
    assert results.ended is not None
    looks = [msgspec.structs.replace(look, at=0.0, left=None) for look in results.looks]
    return Found(
        reason=results.ended.reason,
        looks=looks,
        verdicts=of_results(results),
        times={identity: one.by_round() for identity, one in results.cells.items()},
        mini=[line.round for line in results.rounds if line.mini],
    )


def command(folder: Path, seed: int) -> list[str | Path]:
    profile = folder.with_suffix(".toml")
    profile.write_text(PROFILE)
    return ["run", "--profile", profile, "--clock", NOISY, "--seed", str(seed), "-o", folder]


@cache
def unbroken(seed: int) -> Unbroken:
    with tempfile.TemporaryDirectory() as there:
        folder, began = Path(there, "run"), time.monotonic()
        done = ipcbench(*command(folder, seed))
        assert done.returncode == 0, done.stderr
        whole = found(load(folder))
        assert whole.reason == "decided"
        assert len(whole.looks) > 2, "its contests are decided too early to test anything"
        assert whole.mini
        return Unbroken(whole, time.monotonic() - began)


def kill(number: int, seed: int) -> str:
    """Run a sweep, kill it several times. Raises: AssertionError if it comes to anything else."""
    drawn = random.Random(f"{seed}/looks/{number}")
    whole = unbroken(seed)
    kills, moments = drawn.randint(1, MOST_KILLS), []
    with tempfile.TemporaryDirectory() as there:
        folder, before = Path(there, "run"), outliving()
        for _ in range(kills):
            seconds = drawn.uniform(0.0, whole.seconds / kills)
            moments.append(f"{seconds:.2f} s, {_interrupted(folder, seed, seconds)} lines")
        done = ipcbench(*_go_on(folder, seed))
        assert done.returncode == 0, done.stderr
        again = found(load(folder))
        for part in ("reason", "looks", "verdicts", "times", "mini"):
            is_, was = getattr(again, part), getattr(whole.found, part)
            assert is_ == was, f"{part}: {is_} for {was}"
    left = left_since(before, outliving)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"killed after {'; '.join(moments)}"


def _go_on(folder: Path, seed: int) -> list[str | Path]:
    """Return the command that resumes a sweep, or starts it if it has no journal yet."""
    return ["run", "--resume", folder] if (folder / NAME).exists() else command(folder, seed)


def _interrupted(folder: Path, seed: int, seconds: float) -> int:
    """Let a sweep go on for so long, and kill it; return the lines of its journal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ipcbench", *map(str, _go_on(folder, seed))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        below = descendants(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)
        wait_for("the end of every process", lambda: not alive(below))
    journal = folder / NAME
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def trials(seed: int) -> Iterator[Trial]:
    for number in range(TIMES):
        yield Trial(f"looks/{number}", partial(kill, number, seed))
