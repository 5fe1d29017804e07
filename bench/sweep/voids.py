"""Void runs as they happen: how many, and which processes take the CPU time."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping

from ipcbench.bench.machine import others
from ipcbench.bench.machine.others import Look
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.disturbance import Disturbed
from ipcbench.bench.sweep.far_runs import FAR
from ipcbench.bench.workers.job import Reply

RECENT = 40  # runs; the trouble is over when none of so many was void
LOOK_EVERY = 2.0  # seconds between looks at the other processes, each of some milliseconds
OLD = 60.0  # seconds after which a look tells nothing about now


class Voids:
    """The void runs of a sweep, shown while there are any.

    Args:
        why_void: tells the reason why a run does not count; "" where it does.
        usual: cell -> the share of foreign time that is usual for it.
    """

    def __init__(
        self,
        watcher: Watcher,
        why_void: Callable[[Disturbed, float], str],
        usual: Mapping[str, float],
        look: Callable[[], Look] = others.look,
    ) -> None:
        self._watcher, self._why_void, self._usual = watcher, why_void, usual
        self._look = look
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._runs = self._void = 0
        self._before: Look | None = None
        self._names = ""

    def seen(self, cell: str, reply: Reply) -> Reply:
        """Count a run, and return its reply."""
        if reply.outcome is not None:
            self._count(self._why_void(reply.outcome, self._usual.get(cell, 0.0)))
        return reply

    def _count(self, why: str) -> None:
        self._runs += 1
        self._void += bool(why)
        before = any(self._recent)
        self._recent.append(why)
        if why:
            if not why.startswith(FAR):  # no process is the cause
                self._find()
            self._watcher.trouble(self.text)
        elif before and not any(self._recent):
            self._watcher.trouble("")

    def _find(self) -> None:
        """Look which processes take CPU time, since the look before."""
        now = time.monotonic()
        if self._before is not None and now - self._before.at < LOOK_EVERY:
            return
        after = self._look()
        if self._before is not None and now - self._before.at < OLD:
            self._names = others.between(self._before, after, os.sched_getaffinity(0)).names
        self._before = after

    @property
    def text(self) -> str:
        """Say how many runs are void, and by what: the last reason, and the busiest processes."""
        why = next((one for one in reversed(self._recent) if one), "")
        by = f": {self._names}" if self._names and not why.startswith(FAR) else ""
        return f"{self._void} of {self._runs} runs are void, and retaken: {why}{by}"
