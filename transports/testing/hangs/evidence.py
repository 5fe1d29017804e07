"""Evidence about processes that give no answer: do they sleep, or does the machine not run them?

A process that waits for a wake-up that never comes *sleeps*. On a machine with much else to do a
process waits for a CPU instead, and an end that yields between two looks waits for it at each look.
Only the first one is hung.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

WINDOW = 1.0  # seconds between two samples
LONGEST = 60.0  # seconds that a process is waited for on any machine
_IDLE = 0.02  # of the window: a sleep in steps takes that much time at most

Read: TypeAlias = Callable[[int, int], bytes]
"""Reads memory of a process: from a place on, so many bytes."""


class Observed(NamedTuple):
    """A facility's memory in a process, and the call that describes it.

    An endpoint that has such memory returns it from `observed()`.
    """

    address: int
    describe: Callable[[Read], Sequence[str]]  # is pickled


class Sample(NamedTuple):
    """State and times of a process.

    Attributes:
        state: proc_pid_stat(5), field 3.
        ran: seconds on a CPU.
        waited: seconds that it could run and had no CPU.
    """

    state: str
    ran: float
    waited: float

    @classmethod
    def of(cls, pid: int) -> Sample:
        """Read them: proc_pid_stat(5), and /proc/PID/schedstat (sched-stats.rst).

        A process that is gone, or whose files are hidden, has ended.
        """
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return cls("Z", 0.0, 0.0)
        ran = waited = "0"
        with suppress(OSError):  # a kernel without CONFIG_SCHED_INFO
            ran, waited, *_ = Path(f"/proc/{pid}/schedstat").read_text().split()
        return cls(state, int(ran) / 1e9, int(waited) / 1e9)

    def sleeps_until(self, later: Sample, seconds: float) -> bool:
        """Tell if the process sleeps in both samples, and hardly ran between them."""
        awake = later.ran + later.waited - self.ran - self.waited
        return {self.state, later.state} <= set("STZ") and awake <= _IDLE * seconds


class Pair(NamedTuple):
    """Two samples of a process, and the first one's distance in time."""

    before: Sample
    after: Sample

    def sleeps(self, seconds: float) -> bool:
        return self.before.sleeps_until(self.after, seconds)


def hung(
    pairs: Iterable[Pair], window: float, *, spent: float, elapsed: float, limit: float
) -> str:
    """Tell why processes that gave no answer will give none; "": they may be only slow.

    Args:
        pairs: samples of all processes.
        window: seconds between the two of a pair.
        spent: seconds of CPU time of all processes since they were asked.
        elapsed: seconds since then.
        limit: seconds that an answer may take on a CPU.
    """
    if all(pair.sleeps(window) for pair in pairs):
        return "all processes sleep: a wake-up is lost, or nothing was sent"
    if spent >= limit:
        return f"the processes have spent {spent:.1f} s of CPU time"
    if elapsed >= LONGEST:
        return f"the machine is overloaded: {spent:.1f} s of CPU time in {elapsed:.0f} s"
    return ""


def of_machine() -> list[str]:
    """Describe the load of the machine."""
    lines = [f"load: {_read('/proc/loadavg')}, CPUs {sorted(os.sched_getaffinity(0))}"]
    pressure = _read("/proc/pressure/cpu").partition("\n")[0]
    return [*lines, f"wait for a CPU: {pressure}"] if pressure else lines


def of_process(pid: int, name: str, pair: Pair, window: float) -> str:
    """Describe a process: its state, its times, and where it sleeps."""
    before, now = pair
    kernel = " < ".join(re.findall(r"\] (\w+)", _read(f"/proc/{pid}/stack")))  # for root only
    tokens = set(re.findall(r"eventfd-count:\s*(\w+)", _all_read(f"/proc/{pid}/fdinfo")))
    lines = [
        f"{name} (process {pid}): {now.state}, on a CPU for {now.ran:.3f} s, waited for one "
        f"{now.waited:.3f} s; in the last {window:.1f} s {now.ran - before.ran:.3f} s and "
        f"{now.waited - before.waited:.3f} s",
        f"  in the kernel: {_read(f'/proc/{pid}/wchan')}; {kernel or 'stack not readable'}; "
        f"system call {_read(f'/proc/{pid}/syscall')}",
    ]
    if tokens:
        lines.append(f"  counts of its eventfds: {', '.join(sorted(tokens))}")
    return "\n".join(lines)


def of_memory(pid: int, observed: Observed | None) -> Sequence[str]:
    """Describe a facility's memory in a process: proc_pid_mem(5)."""
    if observed is None:
        return []
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError as error:
        return [f"its memory is not readable: {error}"]
    try:
        return observed.describe(
            lambda place, size: os.pread(memory, size, observed.address + place)
        )
    except Exception as error:  # evidence must not hide the failure that it is about
        return [f"its memory cannot be described: {type(error).__name__}: {error}"]
    finally:
        os.close(memory)


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _all_read(folder: str) -> str:
    try:
        return "\n".join(_read(str(path)) for path in Path(folder).iterdir())
    except OSError:
        return ""
