"""Kills: one process of a running sweep gets SIGKILL at a moment drawn from the seed.

The journal keeps its lines, nothing is left behind, and after `--resume` the result equals that
of an uninterrupted sweep: the same runs and, with the fake clock, the same values.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.results import Results, load
from ipcbench.transports.testing.leaks import (
    SETTLING,
    Thing,
    kernel_objects,
    left_since,
    outliving,
    without_other_runs,
)
from tests.e2e.command import DEADLINE, alive, descendants, ipcbench, parts, started
from tests.soak.trials import Trial

VICTIMS = ("command", "fork server", "worker", "peer")
TIMES = 50  # kills of each victim
AT_ONCE = 10  # kills of all processes, each followed by `clean`
PROMISED = 1.0  # seconds until everything is gone

PROFILE = """
about = "All kinds of objects that can be left behind."

[run]
rounds = 2
values = 2
block = "1ms"
stamps = 100

[[cells]]
patterns = ["latency"]
transports = [
    "pipe", "fifo", "unix-stream", "unix-dgram", "tcp", "sysv-queue", "posix-queue", "mp-queue",
    "shm:sysv+sysv-sem", "shm:posix+posix-sem", "shm:file+futex", "shm:mp+eventfd",
    "memfd-passed", "memfd-pool/in-place", "process-vm", "vmsplice",
]
sizes = ["64"]
placements = ["unpinned"]

[[cells]]
patterns = ["fan-in"]
transports = ["pipe", "sysv-queue", "shm:posix+posix-sem"]
processes = [4]
sizes = ["64"]
placements = ["unpinned"]

[[cells]]
patterns = ["signal", "counter"]
transports = ["sysv-sem", "posix-sem", "pthread-cond", "mp-lock", "robust-mutex", "flock"]
sizes = ["0"]
placements = ["unpinned"]
"""

Values = dict[str, dict[int, float]]  # cell -> round -> seconds


@dataclass(frozen=True, slots=True)
class Uninterrupted:
    """Results and durations of an uninterrupted sweep.

    Attributes:
        seconds: until it ends.
        measuring: until it starts to write the page.
    """

    found: Values
    skipped: frozenset[str]
    seconds: float
    measuring: float


def _sweep(folder: Path, seed: int) -> list[str | Path]:
    profile = folder.with_suffix(".toml")
    profile.write_text(PROFILE)
    return ["run", "--profile", profile, "--clock", "fake", "--seed", str(seed), "-o", folder]


def _found(results: Results) -> tuple[Values, frozenset[str]]:
    found = {
        identity: result.by_round()
        for identity, result in results.cells.items()
        if result.skipped is None
    }
    skipped = frozenset(one for one, result in results.cells.items() if result.skipped is not None)
    return found, skipped


@cache
def uninterrupted(seed: int) -> Uninterrupted:
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there, "run")
        began = time.monotonic()
        done = ipcbench(*_sweep(folder, seed))
        seconds = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        results = load(folder)
        assert results.ended is not None
        # The last write to the journal is its end; st_mtime uses the wall clock.
        page = time.time() - (folder / NAME).stat().st_mtime
        return Uninterrupted(*_found(results), seconds, seconds - page)


def _wait_until_gone(pids: set[int], things: set[Thing]) -> float:
    """Wait until they are gone; return the seconds. Raises: AssertionError if some stay."""
    began = time.monotonic()
    things = without_other_runs(things)
    while left := [*map(str, alive(pids)), *map(str, things & outliving())]:
        seconds = time.monotonic() - began
        assert seconds < PROMISED + SETTLING, f"left behind: {', '.join(left)}"
        time.sleep(0.01)
    return time.monotonic() - began


def _lines(folder: Path) -> list[bytes]:
    """Read the lines of a journal; none if it does not exist yet."""
    journal = folder / NAME
    if not journal.exists():
        return []
    return journal.read_bytes().splitlines(keepends=True)


def kill(which: str, number: int, seed: int) -> str:
    """Run a sweep and kill one part. Raises: AssertionError if anything is lost or left."""
    drawn = random.Random(f"{seed}/{which}/{number}")
    whole = uninterrupted(seed)
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there, "run")
        before, began = outliving(), time.monotonic()
        with started(*_sweep(folder, seed)) as process:
            time.sleep(drawn.uniform(0.0, whole.seconds if which == "command" else whole.measuring))
            moment = time.monotonic() - began
            written, gone = _kill(process.pid, which, folder, before)
            if which == "command":
                process.wait(DEADLINE)
            else:
                _, errors = process.communicate(timeout=DEADLINE)
                assert process.returncode == 0, errors
        kept = _lines(folder)
        assert kept[: len(written)] == written, "lines of the journal are lost"
        _finish(folder, seed, killed=which == "command")
        _compare(whole, load(folder))
    left = left_since(before, outliving)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"after {moment:.2f} s, {len(written)} lines kept, gone in {gone:.3f} s"


def _kill(pid: int, which: str, folder: Path, before: set[Thing]) -> tuple[list[bytes], float]:
    """Kill that part as soon as it exists.

    Returns:
        The complete lines of the journal, and the seconds until its processes, their descendants
        and the kernel objects created since `before` are gone.
    """
    deadline = time.monotonic() + DEADLINE / 2
    while not (found := parts(pid)[which]):
        if which != "command" and not alive({pid}):
            return [], 0.0  # no runs any more: it writes its page
        assert time.monotonic() < deadline, f"no {which} appeared in time"
    things = {*kernel_objects()} - before
    below = found.union(*(descendants(one) for one in found))
    written = [line for line in _lines(folder) if line.endswith(b"\n")]
    for one in found:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return written, _wait_until_gone(below, things)


def _finish(folder: Path, seed: int, *, killed: bool) -> None:
    """Resume the sweep, or start it again if it was killed before it had a journal."""
    if not killed:
        return
    begun = (folder / NAME).exists()
    done = ipcbench("run", "--resume", folder) if begun else ipcbench(*_sweep(folder, seed))
    assert done.returncode == 0, done.stderr


def _compare(whole: Uninterrupted, results: Results) -> None:
    found, skipped = _found(results)
    assert skipped == whole.skipped
    assert found.keys() == whole.found.keys()
    for identity, rounds in whole.found.items():
        assert found[identity] == rounds, f"{identity}: {found[identity]} for {rounds}"


def kill_everything(number: int, seed: int) -> str:
    """Kill all processes, also the guardian, so that only `clean` can clean up."""
    moment = random.Random(f"{seed}/everything/{number}").uniform(0.3, uninterrupted(seed).seconds)
    with tempfile.TemporaryDirectory() as there:
        before = outliving()
        with started(*_sweep(Path(there, "run"), seed)) as process:
            time.sleep(moment)
            pids = {process.pid, *descendants(process.pid)}
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        _wait_until_gone(pids, set())
        found = len(outliving() - before)
        done = ipcbench("clean")
        assert done.returncode == 0, done.stderr
    left = left_since(before, outliving)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"after {moment:.2f} s, {found} things left, none after `clean`"


def trials(seed: int) -> Iterator[Trial]:
    for number in range(TIMES):
        for which in VICTIMS:
            yield Trial(f"kills/{which}/{number}", partial(kill, which, number, seed))
    for number in range(AT_ONCE):
        yield Trial(f"kills/everything/{number}", partial(kill_everything, number, seed))
