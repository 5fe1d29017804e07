"""Fitness of this machine for a measurement: findings, each with its remedy."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from ipcbench.bench.loops import native_loops
from ipcbench.bench.machine import host, others
from ipcbench.bench.machine.lock import SweepInProgress, SweepLock
from ipcbench.bench.machine.topology import Cpu, kinds_of, of_one_kind
from ipcbench.bench.plan.placement import Impossible, describe_cpus, place
from ipcbench.bench.results.axes import CROSS_CORE, CROSS_CORE_AWAKE, SAME_CORE
from ipcbench.bench.results.entries.distances import distances
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.slowdowns import (
    FIXED_CLOCK_RATE,
    GOVERNOR,
    IDLE_DRIVER,
    IDLE_GOVERNOR,
    IDLE_STATES,
    MITIGATIONS,
    NATIVE_BUILD,
    NICE,
    POLICY,
    PYTHON_BUILD,
    SECCOMP,
    slowdowns,
)
from ipcbench.bench.results.units import human_share
from ipcbench.bench.sweep.candidates import candidate, native_reasons, site
from ipcbench.bench.sweep.disturbance import LIMIT
from ipcbench.bench.sweep.fitness.finding import Finding, note, ok, warning
from ipcbench.bench.sweep.fitness.leftovers import leftovers
from ipcbench.bench.sweep.fitness.other_load import about_others
from ipcbench.bench.workers.cpus.distance import distance
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.registry import names

LISTEN = 1.0  # seconds of the busy loop that notices other processes
GAP = 50e-6  # seconds between two turns of it, from which on another process had the CPU
_SHOWN = (
    IDLE_DRIVER, IDLE_GOVERNOR, IDLE_STATES, "preemption", MITIGATIONS, "boot options",
    "security modules", SECCOMP, NICE, POLICY, "transparent huge pages", "huge pages reserved",
    PYTHON_BUILD, NATIVE_BUILD,
)  # fmt: skip
ON_THE_MACHINE = "measure on the machine itself, or rely on same-core figures alone"
DISTANCES, DISTANCE_GAP = 20, 0.02  # measured, and the seconds before each
IDLE = 0.5  # load average below which the machine counts as idle


def examine() -> list[Finding]:
    """Examine the machine, and its noise for `LISTEN` seconds."""
    return [
        *_proc(),
        *_placements(),
        *_distance(),
        *_hardware(),
        *_settings(),
        *_noise(),
        *_other_sweeps(),
        *leftovers(),
        *_native(),
        *_transports(),
    ]


def _proc() -> Iterator[Finding]:
    if (lack := no_proc()) is not None:
        what = f"{lack.reason}: no sweep can run, and limits cannot be read"
        yield Finding(Severity.PROBLEM, "proc", what, lack.remedy)


def _placements() -> Iterator[Finding]:
    here = site()
    numbers = ", ".join(str(cpu.number) for cpu in here.cpus)
    yield ok("CPUs", f"{len(here.cpus)} may be used: {numbers}")
    yield from _cores(here.cpus)
    for placement in (SAME_CORE, CROSS_CORE, CROSS_CORE_AWAKE):
        found = place(placement, 2, here)
        if isinstance(found, Impossible):
            yield warning(placement, f"skipped: {found.reason}", found.remedy)
        else:
            yield ok(placement, describe_cpus(found, here))


def _distance() -> Iterator[Finding]:
    """Tell how far two CPUs are apart, and whether that changes."""
    found = place(CROSS_CORE, 2, site())
    if isinstance(found, Impossible):
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, found[0])
    try:
        apart = distances(_several_distances(found))
    finally:
        os.sched_setaffinity(0, allowed)
    if apart is None:
        return
    (one,), (other,) = found
    text = f"a cache line takes {apart} from CPU {one} to CPU {other} and back"
    if apart.far is None:
        yield ok("distance", text)
    else:
        yield warning("distance", f"{text}: the host moves this machine's CPUs", ON_THE_MACHINE)


def _several_distances(cpus: Sequence[Sequence[int]]) -> Iterator[float | None]:
    for _ in range(DISTANCES):
        time.sleep(DISTANCE_GAP)
        yield distance(cpus)


def _cores(cpus: Sequence[Cpu]) -> Iterator[Finding]:
    """Tell of the kinds of core of a hybrid machine, and which one is used."""
    kinds = kinds_of(cpus)
    used = of_one_kind(cpus)[0].kind
    if not used.name:
        return
    unused = ", ".join(kind.name for kind in kinds if kind != used)
    text = f"pinned processes use {used.name}" + (f", and no {unused}" if unused else "")
    if min(kinds).rank == 0:
        yield ok("cores", text)
    else:
        remedy = "allow them: taskset -c, or --cpuset-cpus of a container; lscpu --extended"
        yield warning("cores", f"{text}: this machine has faster cores", remedy)


def _settings() -> Iterator[Finding]:
    """Tell of the settings that decide what calls cost, those that make them dear first."""
    settings = host.machine().settings
    dear = slowdowns(settings)
    for one in dear:
        yield warning(one.topic, one.text, one.remedy)
    for topic in _SHOWN:
        if topic in settings and topic not in {one.topic for one in dear}:
            yield ok(topic, settings[topic])


def _hardware() -> Iterator[Finding]:
    machine = host.machine()
    if machine.virtualization:
        yield warning(
            "virtual",
            f"{machine.virtualization}: an idle CPU wakes slowly, and other virtual machines may "
            "take time; cross-core figures describe the hypervisor as much as Linux",
            ON_THE_MACHINE,
        )
    governor = machine.settings.get(GOVERNOR, "")
    if governor and governor != "performance":
        yield warning(
            GOVERNOR, f"{governor}: the clock rate changes with the load", FIXED_CLOCK_RATE
        )
    for hidden in machine.hidden:
        what = f"the machine does not report: {hidden}"
        yield note("hidden", what, "measure outside the container or virtual machine to see it")


def _noise() -> Iterator[Finding]:
    allowed, before = os.sched_getaffinity(0), others.look()
    foreign = _foreign_share()
    found = others.between(before, others.look(), allowed)
    load = os.getloadavg()[0]
    yield _share(
        "foreign time",
        f"{human_share(foreign, 2)} of a busy second went to other processes",
        "stop other programs, or isolate CPUs (isolcpus)",
        fits=foreign <= LIMIT,
    )
    yield about_others(found)
    yield _share(
        "steal",
        f"the hypervisor took {human_share(found.steal, 2)} of a CPU in that second",
        "measure at another time, or on another machine",
        fits=found.steal <= LIMIT,
    )
    idle = load < IDLE
    remedy = "" if idle else "stop other programs, and wait for a minute: the load is an average"
    severity = Severity.OK if idle else Severity.WARNING
    yield Finding(severity, "load", f"{load:.2f} over the last minute", remedy)


def _share(topic: str, text: str, remedy: str, *, fits: bool) -> Finding:
    return ok(topic, text) if fits else Finding(Severity.PROBLEM, topic, text, remedy)


def _foreign_share() -> float:
    """Measure the share of a busy loop's time in which another process had the CPU."""
    now = time.perf_counter
    start = before = now()
    lost = 0.0
    while before - start < LISTEN:
        current = now()
        if current - before > GAP:
            lost += current - before
        before = current
    return lost / (before - start)


def _other_sweeps() -> Iterator[Finding]:
    lock = SweepLock()
    try:
        lock.acquire()
    except SweepInProgress as error:
        yield Finding(Severity.PROBLEM, "another sweep", str(error))
    finally:
        lock.release()


def _native() -> Iterator[Finding]:
    missing = native_loops.missing()
    if missing is None:
        yield ok("native runtime", "the compiled loops are available")
    for reason in native_reasons():
        yield warning("native runtime", f"skipped: {reason.reason}", reason.remedy)


def _transports() -> Iterator[Finding]:
    for name in names():
        found = candidate(name).found
        if isinstance(found, Unavailable):
            yield note(name, f"unavailable: {found.reason}", found.remedy)
        elif found.message.value is not None:
            limit = found.message
            text = f"messages up to {limit.value} bytes ({limit.source})"
            yield Finding(Severity.OK, name, text, limit.remedy)
