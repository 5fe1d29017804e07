"""Wait until a fork server rests: its last run has ended, and its next worker waits for a job.

A server prepares for the next job after its reply. That must not run beside the timed blocks of
another server, which nothing else keeps it from: the reply is all that the command hears.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from ipcbench.bench.machine.cpu_time import process_time

LOOK = 0.001  # seconds between two looks
MOST = 0.25  # seconds: on a busy machine processes wait for a CPU; then runs are void anyway
_RESTING = "SDIZ"  # states of proc_pid_stat(5): asleep, or dead


def settle(pid: int) -> None:
    """Wait until a server and its children sleep, and none has run since the look before."""
    before: list[tuple[int, float | None]] = []
    until = time.monotonic() + MOST
    while time.monotonic() < until:
        now = list(_resting(pid))
        if now and now == before:
            return
        before = now
        time.sleep(LOOK)


def _resting(pid: int) -> Iterator[tuple[int, float | None]]:
    """Yield the server and its children with their CPU times; nothing if one of them runs."""
    pids = [pid]
    with contextlib.suppress(OSError, ValueError):  # CONFIG_PROC_CHILDREN: proc_pid_task(5)
        pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    if all(_state(one) in _RESTING for one in pids):
        yield from ((one, process_time(one)) for one in pids)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # it has ended meanwhile
        return "R"
