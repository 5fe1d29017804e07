"""Slowdowns: settings of a machine and of Python that make calls slower than they need be.

The texts of the settings come from `bench/machine/settings/settings.py`; this file names them, and
tells which of them change figures. `doctor` and the page say the same. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

CPU_QUOTA = "CPU quota"
SECCOMP = "seccomp"
TRACER = "tracer"
NICE = "nice"
POLICY = "scheduling policy"
ALLOCATOR = "PYTHONMALLOC"
PYTHON_MODES = "Python's modes"
HOOKS = "Python's hooks"
PYTHON_BUILD = "Python's build"
NATIVE_BUILD = "native build"
GOVERNOR = "governor"
IDLE_DRIVER = "idle driver"
IDLE_GOVERNOR = "idle governor"
IDLE_STATES = "idle states, time to leave"
MITIGATIONS = "mitigations"
PROCESSOR = "processor"
LAST_CACHE = "last-level cache"

FIXED_CLOCK_RATE = (
    "as root: echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
)

NORMAL = "SCHED_OTHER"
NO_SECCOMP = "none"
UNOPTIMIZED = "not optimized"
DEBUG = "debug"
_OWN_ALLOCATORS = ("default", "pymalloc", "mimalloc")  # as fast as Python's own choice


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A setting that changes figures: what it does, and how to be rid of it."""

    topic: str
    text: str
    remedy: str


def slowdowns(settings: Mapping[str, str]) -> list[Slowdown]:
    """List the settings that change figures, by their texts; a missing one is at its default."""
    return [
        found
        for topic, judge in _JUDGES.items()
        if (value := settings.get(topic, ""))
        for found in judge(topic, value)
    ]


def _seccomp(topic: str, value: str) -> Iterator[Slowdown]:
    if value != NO_SECCOMP:
        yield Slowdown(
            topic,
            f"{value}: the kernel checks each system call before it makes it",
            "measure outside the container, or in one with --security-opt seccomp=unconfined",
        )


def _cpu_quota(topic: str, value: str) -> Iterator[Slowdown]:
    yield Slowdown(
        topic,
        f"{value}: the kernel stops all processes beyond it",
        "raise the quota (docker --cpus, cpu.max), or measure outside the container",
    )


def _tracer(topic: str, value: str) -> Iterator[Slowdown]:
    yield Slowdown(
        topic,
        f"{value}: a traced process may stop at each system call",
        "measure without strace(1) and without a debugger",
    )


def _nice(topic: str, value: str) -> Iterator[Slowdown]:
    if value != "0":
        yield Slowdown(
            topic,
            f"{value}, not 0: other processes get a share of a CPU that differs from the usual one",
            "start ipcbench without nice(1); as root, renice -n 0 -p $$ changes that of a shell",
        )


def _policy(topic: str, value: str) -> Iterator[Slowdown]:
    if value != NORMAL:
        yield Slowdown(
            topic,
            f"{value}, not {NORMAL}: a process that is woken runs at another time than usual",
            f"start ipcbench with {NORMAL}: chrt --other 0 ipcbench …",
        )


def _allocator(topic: str, value: str) -> Iterator[Slowdown]:
    if value not in _OWN_ALLOCATORS:
        checks = ", which checks each block of memory" if DEBUG in value else ""
        yield Slowdown(
            topic,
            f"{value}{checks}: Python's allocations take another time than usual",
            f"unset {topic}",
        )


def _modes(topic: str, value: str) -> Iterator[Slowdown]:
    yield Slowdown(
        topic,
        f"{value}: calls from Python take longer than usual",
        "start ipcbench without PYTHONDEVMODE, PYTHONTRACEMALLOC and PYTHONPERFSUPPORT",
    )


def _hooks(topic: str, value: str) -> Iterator[Slowdown]:
    yield Slowdown(
        topic,
        f"{value}: Python calls the hook of a tracer or profiler in the timed loops",
        "measure without coverage, a debugger or a profiler",
    )


def _python_build(topic: str, value: str) -> Iterator[Slowdown]:
    if DEBUG in value or UNOPTIMIZED in value:
        yield Slowdown(
            topic,
            f"{value}: this Python is slower than a release of it",
            "measure with a Python that was built for use: python.org, or the distribution's",
        )


def _native_build(topic: str, value: str) -> Iterator[Slowdown]:
    if UNOPTIMIZED in value:
        yield Slowdown(
            topic,
            f"{value}: the loops in C are slower than they need be",
            "install ipcbench anew, without -O0 in IPCBENCH_CFLAGS",
        )


_JUDGES: Mapping[str, Callable[[str, str], Iterator[Slowdown]]] = {
    ALLOCATOR: _allocator,
    PYTHON_MODES: _modes,
    HOOKS: _hooks,
    PYTHON_BUILD: _python_build,
    NATIVE_BUILD: _native_build,
    CPU_QUOTA: _cpu_quota,
    TRACER: _tracer,
    SECCOMP: _seccomp,
    NICE: _nice,
    POLICY: _policy,
}

DECISIVE = (*_JUDGES, GOVERNOR, IDLE_DRIVER, IDLE_GOVERNOR)
"""Settings that must not change in the middle of a sweep: they decide what a call costs."""
