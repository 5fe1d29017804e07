"""Account of a run: the time of its blocks, and the part that others had of it.

The processes' own time is read here around each block, the control messages at its ends
included: they are the run's own work. What the loops alone used is counted in each process
(`ipcbench.bench.workers.process`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import ROOT, Busy, KernelWorkers, Ticks
from ipcbench.bench.machine.settings.cpu_quota import Quota, quotas
from ipcbench.bench.results.records import Disturbance

TICKS_TELL = 0.3  # seconds from which on counters of ticks (10 ms) say something
SETTLE = 50e-6  # seconds of sleep after which this process's last stint on its CPU is counted

kernel_workers = cache(KernelWorkers)
"""The kernel's workers, found once: the fork server calls this before it forks."""

limits = cache(quotas)
"""The CPU quotas, found once likewise."""


@dataclass(slots=True)
class _Cpus:
    """The time that each CPU was busy, and the CPU time of each process then; `at`: the clock."""

    at: float
    own: list[float]
    busy: Busy


@dataclass(slots=True)
class _Reading:
    """The counters at the start of a block, or at its end."""

    wall: float
    own: list[float] | None  # the CPU time of each process
    waited: list[float | None]
    cpus: _Cpus | None  # not needed on one CPU, or not shown


@dataclass(slots=True)
class _Sums:
    """The differences of the readings, over all blocks so far; seconds."""

    wall: float = 0.0
    own: float | None = 0.0  # of all processes together
    waited: list[float] | None = field(default_factory=list)
    rest: dict[int, float] | None = field(default_factory=dict)  # of a CPU, not the run's own
    span: float = 0.0  # in which a CPU had `rest`
    source: str = ""


class Account:
    """The counters of a run's processes and CPUs.

    `begin`, then `enter` before and `leave` behind each block, then `end`. `pids` and `cpus`
    are in the order of the processes. `idles`: the processes sleep by themselves, so that an idle
    CPU is not one that others had.
    """

    def __init__(
        self,
        pids: Sequence[int],
        cpus: Sequence[Sequence[int]],
        *,
        idles: bool = False,
        root: Path = ROOT,
    ) -> None:
        self._pids, self._root = pids, root
        self._cpus = [tuple(own) for own in cpus]
        self._used = sorted({cpu for own in cpus for cpu in own})
        self.one_cpu = len(self._used) == 1 and not idles
        self._pinned = all(len(own) == 1 for own in self._cpus)
        self._kernel = kernel_workers(root)
        self._quotas: list[Quota] = limits(root)
        self._sums = _Sums(waited=[0.0] * len(pids))
        self._parts = Disturbance()
        self._kernel_time: dict[int, float] | None = None
        self.settled = 0.0  # seconds of a block in the account that does not count

    @property
    def wall(self) -> float:
        """The seconds inside blocks so far."""
        return self._sums.wall

    def begin(self) -> None:
        """Read the counters of the kernel's workers, of quotas, and of ticks."""
        self._kernel.begin(self._used)
        self._throttled = self._stops()
        self._ticks, self._began = cpu_time.ticks(self._root), time.monotonic()
        self._own_before = self._own()
        # One that waits for its CPU may wait for a thread of its own.
        self._waits_tell = [
            not self.one_cpu and cpu_time.threads(pid, self._root) == 1 for pid in self._pids
        ]

    def enter(self) -> None:
        """Read the counters, before the processes are told to get ready for a block.

        All but this one sleep now, and none has time that its CPU does not show yet. Ready
        for a block, some spin. And nothing but the barrier lies between that and the block: what
        this process did there would change the order in which they run.
        """
        cpus, waited = self._cpus_now(), self._waited()
        self._before = _Reading(own=self._own(), wall=time.monotonic(), waited=waited, cpus=cpus)

    def leave(self) -> None:
        """Read the counters after a block, and add the differences."""
        wall, own, waited = time.monotonic(), self._own(), self._waited()
        self._add(_Reading(wall=wall, own=own, waited=waited, cpus=self._cpus_now()))

    def end(self) -> None:
        """Read the counters that `begin` read; what comes later does not count."""
        self._kernel_time = self._kernel.since()
        self._parts = Disturbance(wall=self._sums.wall)
        stops = [b - a for a, b in zip(self._throttled, self._stops(), strict=True)]
        if any(stops):
            self._parts.throttled = max(stops)
            self._parts.quota = self._quotas[stops.index(self._parts.throttled)].setting
        self._add_ticks(cpu_time.ticks(self._root), time.monotonic() - self._began)

    def _own(self) -> list[float] | None:
        """Read the CPU time of each process; None where a kernel does not show it."""
        found = [cpu_time.process_time(pid) for pid in self._pids]
        known = [seconds for seconds in found if seconds is not None]
        return known if len(known) == len(found) else None

    def _waited(self) -> list[float | None]:
        """Read how long each process has waited for a CPU; on one CPU they wait for each other."""
        if self.one_cpu:
            return [None] * len(self._pids)
        return [
            cpu_time.waited(pid, self._root) if tells else None
            for pid, tells in zip(self._pids, self._waits_tell, strict=True)
        ]

    def _stops(self) -> list[float]:
        return [one.throttled() for one in self._quotas]

    def _cpus_now(self) -> _Cpus | None:
        """Read the processes' time and the CPUs' time, in this order.

        Reading the clock of a process also brings the time of its CPU up to date, while it
        runs there (task_sched_runtime() in Linux's kernel/sched/core.c); but /proc/schedstat
        has its time only when it has left the CPU (sched_info_depart() in
        kernel/sched/stats.h), so this one leaves it first. Where another file is read there is
        no such pause, in which the CPU of the other process would sleep as well.
        """
        if self.one_cpu:
            return None
        if cpu_time.leaves_late(self._root):
            time.sleep(SETTLE)
        at, own, busy = time.monotonic(), self._own(), cpu_time.busy(self._used, self._root)
        return None if own is None or busy is None else _Cpus(at, own, busy)

    def _add(self, after: _Reading) -> None:
        before, sums = self._before, self._sums
        sums.wall += after.wall - before.wall
        if sums.own is None or before.own is None or after.own is None:
            sums.own = None
        else:
            sums.own += sum(after.own) - sum(before.own)
        if sums.waited is not None:
            known = list(zip(sums.waited, before.waited, after.waited, strict=True))
            sums.waited = [a + c - b for a, b, c in known if b is not None and c is not None]
            if len(sums.waited) < len(known):
                sums.waited = None
        first, last = before.cpus, after.cpus
        if first is None or last is None or first.busy.source != last.busy.source:
            sums.rest = None
        else:
            self._add_rest(first, last)

    def _add_rest(self, first: _Cpus, last: _Cpus) -> None:
        rest, span = self._sums.rest, last.at - first.at
        if rest is None:
            return
        self._sums.source = last.busy.source
        self._sums.span += span
        for cpu in self._used:
            # A process that was alone on its CPU brings all its time when it leaves it.
            rest[cpu] = rest.get(cpu, 0.0) + min(span, last.busy.times[cpu] - first.busy.times[cpu])
        for (cpu, *_), start, end in zip(self._cpus, first.own, last.own, strict=True):
            rest[cpu] -= end - start

    # What it comes to

    def outcome(self) -> tuple[float | None, Disturbance]:
        """Return the share of foreign time, and its parts."""
        wall, parts = self._sums.wall, self._parts
        if not wall:
            return None, parts
        kernel = self._kernel_time or dict.fromkeys(self._used, 0.0)
        if self._kernel_time is not None:
            parts.kernel = max(kernel.values()) / wall
        if self.one_cpu:
            if self._sums.own is not None:
                parts.others = max(0.0, 1 - (self._sums.own + sum(kernel.values())) / wall)
            return parts.others, parts
        # As if all of it had been in the blocks that count.
        part = wall / max(1e-9, wall - self.settled)
        waited, others = self._longest_wait(kernel), self._had_by_others(kernel)
        parts.waited = None if waited is None else min(1.0, waited * part)
        parts.others = None if others is None else min(1.0, others * part)
        parts.source = self._sums.source if parts.others is not None else ""
        if parts.others is not None:
            return parts.others, parts  # a process waits only while others have its CPU
        return parts.waited, parts

    def _longest_wait(self, kernel: Mapping[int, float]) -> float | None:
        """Return the share of the longest wait, where no two processes share a CPU."""
        if self._sums.waited is None or not self._pinned or len(self._used) < len(self._cpus):
            return None
        waits = zip(self._cpus, self._sums.waited, strict=True)
        return max(max(0.0, seconds - kernel[cpu]) for (cpu,), seconds in waits) / self._sums.wall

    def _had_by_others(self, kernel: Mapping[int, float]) -> float | None:
        """Return the share of the CPU of which others had most.

        The scheduler moves processes that are not pinned away from others: then the CPUs
        count together.
        """
        if not self._sums.rest or self._sums.span <= 0:
            return None
        rest = [seconds - kernel[cpu] for cpu, seconds in self._sums.rest.items()]
        share = max(rest) if self._pinned else sum(rest) / len(rest)
        # The kernel adds a running process's time at ticks and switches, so it may be late.
        return min(1.0, max(0.0, share / self._sums.span))

    def _add_ticks(self, after: Mapping[int, Ticks], wall: float) -> None:
        """Add what the counters of ticks say, where enough time has passed for them."""
        before = self._ticks
        if wall < TICKS_TELL or not all(cpu in before and cpu in after for cpu in self._used):
            return
        passed = {cpu: after[cpu].since(before[cpu]) for cpu in self._used}
        busy = {cpu: one.tasks / max(1, one.total) for cpu, one in passed.items()}
        self._parts.interrupts = max(one.interrupts / max(1, one.total) for one in passed.values())
        own = self._own()
        if own is None or self._own_before is None:
            return
        for (cpu, *_), start, end in zip(self._cpus, self._own_before, own, strict=True):
            busy[cpu] -= (end - start) / wall
        # As in `_had_by_others`.
        share = max(busy.values()) if self._pinned else sum(busy.values()) / len(busy)
        self._parts.tasks = max(0.0, share)
