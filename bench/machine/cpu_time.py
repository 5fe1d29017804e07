"""CPU time of processes, of the kernel's workers, and of CPUs, as /proc and /sys show them.

Nothing here raises: where a file is missing or hidden, the answer is None, or empty. `root`
is the folder that holds `proc` and `sys`. Times are in seconds.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ipcbench.bench.machine.text import text_of

ROOT = Path("/")
_NANO = 1e-9
LARGEST = 1 << 20  # bytes of a file of counters
PIECE = 8192  # bytes that one call reads
_MOST_KEPT = 100  # files that stay open, at most
_SHARE_KEPT = 16  # of so many descriptors that a process may have, one is for such a file
_KTHREADD = 2  # the parent of all kernel threads (rest_init() in Linux's init/main.c)
_BOUND = re.compile(r"(?:ksoftirqd/|kworker/)(\d+)(?::.*)?")  # Documentation/core-api/workqueue.rst
_UNBOUND = re.compile(r"kworker/(?:u\d+:|R-).*")  # of a pool, or the rescuer of a queue


_open: dict[Path, int] = {}


def text_again(path: Path) -> str:
    """Read a file that is read often: it stays open, and a reading takes microseconds.

    A process keeps `kept` files open, those included that it has inherited by fork.
    """
    for _ in range(2):  # a second time where the process of an open file has ended: ESRCH
        try:
            fd = _open.get(path)
            if fd is None:
                if len(_open) >= kept():
                    return text_of(path)
                fd = _open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return _whole(fd).decode(errors="replace")
        except (OSError, ValueError):
            stale = _open.pop(path, None)
            if stale is None:
                break
            os.close(stale)
    return ""


@cache
def kept() -> int:
    """Return how many files stay open: few where a run may need the descriptors, getrlimit(2)."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_KEPT, allowed // _SHARE_KEPT) if allowed >= 0 else _MOST_KEPT


def _whole(fd: int) -> bytes:
    """Read a file in pieces: one call returns a page of a file of several records, at most.

    See seq_read_iter() in Linux's fs/seq_file.c. A larger buffer would also be a mapping of its
    own each time: malloc(3), M_MMAP_THRESHOLD.
    """
    found = os.pread(fd, PIECE, 0)
    while (more := os.pread(fd, PIECE, len(found))) and len(found) < LARGEST:
        found += more
    return found


def numbers(line: str) -> list[int]:
    """Parse a line of numbers; return [] where one is none."""
    try:
        return [int(field) for field in line.split()]
    except ValueError:
        return []


def process_time(pid: int) -> float | None:
    """Return the CPU time of another process, up to now and to the nanosecond.

    Its clock has the id that clock_getcpuclockid(3) makes of the pid: CPUCLOCK_SCHED in
    Linux's include/linux/posix-timers_types.h.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) * _NANO
    except (OSError, OverflowError):
        return None


def waited(pid: int, root: Path = ROOT) -> float | None:
    """Return the time that a process has waited for a CPU while it could run (`run_delay`)."""
    ran, delay, *_ = [*numbers(text_again(root / f"proc/{pid}/schedstat")), 0, 0]
    # Without the kernel's CONFIG_SCHED_INFO, both are 0: proc_pid_schedstat() in fs/proc/base.c.
    return delay * _NANO if ran else None


def threads(pid: int, root: Path = ROOT) -> int:
    """Return the number of threads of a process: proc_pid_stat(5), field 20; 1 if hidden."""
    fields = text_of(root / f"proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[17]) if len(fields) > 17 and fields[17].isdigit() else 1


@dataclass(frozen=True, slots=True)
class _KernelThread:
    """A thread of the kernel: its name, the CPU that it is bound to, and the file of its times.

    `counts`: it is one of those that do the work of processes.
    """

    name: str
    cpu: int | None
    counts: bool
    times: Path


class KernelWorkers:
    """The time of ksoftirqd and of the kworkers, by the CPU that they took it from.

    They do what the measured processes have caused: the receiving of loopback, the writeback
    of files. A worker bound to a CPU bears its number; an unbound one counts at the CPU on
    which it ran last (field 39 of proc_pid_stat(5)).
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._proc = root / "proc"
        self._found: dict[int, _KernelThread] = {}
        self._before: dict[int, int] = {}
        self._scan()

    @property
    def visible(self) -> bool:
        """False in a container with a PID namespace of its own."""
        return any(one.name.startswith("ksoftirqd/") for one in self._found.values())

    def begin(self, cpus: Collection[int]) -> None:
        """Begin to count, for these CPUs."""
        self._cpus = set(cpus)
        self._scan()  # the time of one created since `__init__`, until now, does not count
        self._before = self._ran()

    def since(self) -> dict[int, float] | None:
        """Return the time since `begin`, by CPU; None where the workers are hidden."""
        if not self.visible:
            return None
        self._scan()  # a kworker may have been created meanwhile
        found = dict.fromkeys(self._cpus, 0.0)
        for pid, ran in self._ran().items():
            used = ran - self._before.get(pid, 0)
            cpu = self._cpu(pid) if used > 0 else None
            if cpu in found:
                found[cpu] += used * _NANO
        return found

    def _scan(self) -> None:
        known = self._found
        alive = numbers(text_again(self._proc / f"{_KTHREADD}/task/{_KTHREADD}/children"))
        self._found = {pid: known.get(pid) or self._thread(pid) for pid in alive}

    def _thread(self, pid: int) -> _KernelThread:
        name = text_of(self._proc / f"{pid}/comm")
        bound = _BOUND.fullmatch(name)
        cpu = int(bound[1]) if bound else None
        counts = bound is not None or _UNBOUND.fullmatch(name) is not None
        return _KernelThread(name, cpu, counts, self._proc / f"{pid}/schedstat")

    def _ran(self) -> dict[int, int]:
        found = {}
        for pid, one in self._found.items():
            if one.counts and (one.cpu is None or one.cpu in self._cpus):
                ran, _, _ = text_again(one.times).partition(" ")
                found[pid] = int(ran) if ran.isdigit() else 0
        return found

    def _cpu(self, pid: int) -> int | None:
        bound = self._found[pid].cpu
        if bound is not None:
            return bound
        fields = text_of(self._proc / f"{pid}/stat").rpartition(")")[2].split()
        return int(fields[36]) if len(fields) > 36 and fields[36].isdigit() else None


@dataclass(frozen=True, slots=True)
class Busy:
    """The time that processes and kernel threads had of each CPU, and the file that shows it.

    The time outside idle states (/sys/devices/system/cpu/cpuN/cpuidle) is no substitute: it
    is added when a state ends, so an idle CPU looks busy, and a quiet pair of processes on two
    CPUs came out with a share of 0.2 to 0.5.
    """

    source: str
    times: Mapping[int, float]


def busy(cpus: Collection[int], root: Path = ROOT) -> Busy | None:
    """Return the time that each of these CPUs was busy so far; None where no file shows it."""
    for read in (_schedstat, _cpuacct):
        found = read(root)
        if all(cpu in found for cpu in cpus):
            return Busy(read.__name__.strip("_"), {cpu: found[cpu] for cpu in cpus})
    return None


@cache
def leaves_late(root: Path = ROOT) -> bool:
    """Tell whether `busy` shows the time of a process only when it has left its CPU."""
    return bool(_schedstat(root))


def _schedstat(root: Path) -> dict[int, float]:
    """Read the time of all tasks from /proc/schedstat: Documentation/scheduler/sched-stats.rst.

    A task's time is added when it leaves its CPU (sched_info_depart() in
    kernel/sched/stats.h).
    """
    found = {}
    for line in text_again(root / "proc/schedstat").splitlines():
        name, _, rest = line.partition(" ")
        fields = numbers(rest)
        if name.startswith("cpu") and name[3:].isdigit() and len(fields) > 6:
            found[int(name[3:])] = fields[6] * _NANO
    return found


def _cpuacct(root: Path) -> dict[int, float]:
    """Read the time of all tasks from the root of the cpuacct hierarchy (cgroups(7), version 1).

    Only the root has a release_agent: below it, as in a container, the file counts the
    tasks of one group.
    """
    file = _cpuacct_file(root)
    times = numbers(text_again(file)) if file is not None else []
    return {cpu: time_ * _NANO for cpu, time_ in enumerate(times)}


@cache
def _cpuacct_file(root: Path) -> Path | None:
    for name in ("cpuacct", "cpu,cpuacct"):
        folder = root / "sys/fs/cgroup" / name
        if (folder / "release_agent").exists():
            return folder / "cpuacct.usage_percpu"
    return None


@dataclass(frozen=True, slots=True)
class Ticks:
    """Time of one CPU so far, in clock ticks: proc_stat(5)."""

    total: int
    tasks: int  # user, nice and system
    interrupts: int  # irq and softirq
    steal: int

    def since(self, before: Ticks) -> Ticks:
        """Return the ticks since then."""
        return Ticks(
            self.total - before.total,
            self.tasks - before.tasks,
            self.interrupts - before.interrupts,
            self.steal - before.steal,
        )


def ticks(root: Path = ROOT) -> dict[int, Ticks]:
    """Read the ticks of each CPU; a kernel that counts no steal shows 0."""
    found = {}
    for line in text_again(root / "proc/stat").splitlines():
        name, _, rest = line.partition(" ")
        fields = [*numbers(rest)[:8], *[0] * 8][:8]
        if name.startswith("cpu") and name[3:].isdigit():
            interrupts = fields[5] + fields[6]
            found[int(name[3:])] = Ticks(sum(fields), sum(fields[:3]), interrupts, fields[7])
    return found


def stolen(
    before: Mapping[int, Ticks], after: Mapping[int, Ticks], cpus: Iterable[int]
) -> dict[int, float]:
    """Return the share that the hypervisor took from each CPU, at least.

    The kernel counts nanoseconds and shows ticks, so a difference of two readings may be one
    tick too large.
    """
    found = {}
    for cpu in cpus:
        if cpu in before and cpu in after:
            passed = after[cpu].since(before[cpu])
            found[cpu] = max(0, passed.steal - 1) / max(1, passed.total)
    return found
