"""Children that sleep: those that wait for each other for ever, without a time limit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ipcbench.bench.experiments.children import Child
from ipcbench.bench.machine.text import text_of
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import TimedOut, Unavailable

_PAUSE = 0.0002  # seconds between two looks at the children
_CONFIRM = 0.002  # seconds from the first look at sleeping children to the last one
_SWITCHES = "voluntary_ctxt_switches"


def deadlocked(children: Sequence[Child], deadline: float) -> bool:
    """Wait until all children have ended, or those that have not wait for each other.

    All sleep at the same time, each in the same sleep before and after the look at the others.
    Where nothing else wakes them, they sleep for ever.

    Returns:
        False if all have ended, and well.

    Raises:
        TimedOut: neither happened.
        ChildFailed: a child failed.
        Unavailable: /proc does not show sleeps.
    """
    check()
    running = list(children)
    while running := [child for child in running if not _ended(child)]:
        if _sleep_together(running):
            return True
        if time.monotonic() > deadline:
            raise TimedOut(f"{len(running)} processes neither ended nor slept in time")
        time.sleep(_PAUSE)
    return False


def _ended(child: Child) -> bool:
    if not child.ends(0.0):
        return False
    child.result()
    return True


def _sleep_together(children: Sequence[Child]) -> bool:
    first = _sleeps(children)
    if "" in first or _sleeps(children) != first:
        return False
    # A process that is about to sleep is shown as asleep while it still looks for a reason
    # not to: prepare_to_wait() of Linux's kernel/sched/wait.c.
    time.sleep(_CONFIRM)
    return _sleeps(children) == first


def _sleeps(children: Sequence[Child]) -> list[str]:
    return [sleep_of(child.pid) for child in children]


def sleep_of(pid: int) -> str:
    """Return what identifies the present sleep of a process; "" while it does not sleep.

    In one and the same sleep, the numbers of context switches stay: proc_pid_status(5).
    """
    fields = _fields(str(pid))
    if not fields.get("State", "").startswith("S"):
        return ""
    return f"{fields.get(_SWITCHES)} {fields.get(f'non{_SWITCHES}')}"


def _fields(process: str) -> dict[str, str]:
    lines = text_of(Path("/proc", process) / "status").splitlines()
    return {key: text.strip() for key, _, text in (line.partition(":") for line in lines)}


def check() -> None:
    """Raise Unavailable where /proc does not show sleeps."""
    if (lack := no_proc()) is not None:
        raise lack
    if _SWITCHES not in _fields("self"):
        what = f"/proc/PID/status does not show {_SWITCHES}, by which a sleep is known"
        raise Unavailable(what, "run it on a kernel that does")
