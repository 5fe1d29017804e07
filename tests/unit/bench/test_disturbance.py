"""bench.sweep.disturbance: which runs are void, why, and what is usual."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ipcbench.bench.results.records import Disturbance
from ipcbench.bench.sweep.disturbance import LIMIT, usual_share, why_void


@dataclass(frozen=True)
class One:
    foreign: float | None
    disturbance: Disturbance = field(default_factory=Disturbance)


def one_cpu(foreign: float, interrupts: float | None = None) -> One:
    return One(foreign, Disturbance(wall=0.1, others=foreign, interrupts=interrupts))


def two_cpus(foreign: float, tasks: float | None = None) -> One:
    return One(foreign, Disturbance(wall=0.1, waited=foreign, tasks=tasks))


@pytest.mark.parametrize("foreign", [None, 0.0, LIMIT])
def test_an_undisturbed_run_counts(foreign: float | None) -> None:
    assert why_void(One(foreign)) == ""


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (Disturbance(others=0.12), "12 % of the core's time went to other processes"),
        (
            Disturbance(others=0.12, waited=0.03, source="schedstat"),
            "12 % of a CPU's time went to other processes",
        ),
        (
            Disturbance(others=0.02, waited=0.12, source="cpuacct"),
            "a process waited for its CPU 12 % of the time",
        ),
        (Disturbance(waited=0.12), "a process waited for its CPU 12 % of the time"),
    ],
)
def test_the_reason_names_the_cause(parts: Disturbance, text: str) -> None:
    assert why_void(One(0.12, parts)) == text


@pytest.mark.parametrize("foreign", [0.0, 0.6, None])
def test_a_quota_is_the_reason_before_any_other(foreign: float | None) -> None:
    parts = Disturbance(wall=0.1, throttled=0.04, quota="cpu.max")
    text = "the CPU quota (cpu.max) stopped the processes for 40 ms"
    assert why_void(One(foreign, parts)) == text
    parts.throttled = 0.1 * LIMIT
    assert why_void(One(0.0, parts)) == ""


def test_only_the_excess_over_the_usual_share_counts() -> None:
    assert why_void(one_cpu(0.14), usual=0.1) == ""
    text = "6 % of the core's time went to other processes, beyond the usual 10 %"
    assert why_void(one_cpu(0.16), usual=0.1) == text


# The usual share.


@pytest.mark.parametrize(
    ("attempts", "usual"),
    [
        ([], 0.0),
        ([One(None)], 0.0),
        ([one_cpu(0.03)], 0.0),
        ([one_cpu(0.5), one_cpu(0.03, 0.3)], 0.0),  # one of them was quiet
        ([one_cpu(0.12), one_cpu(0.11, 0.2)], 0.11),  # interrupts that are accounted apart
        ([one_cpu(0.16), one_cpu(0.14, 0.11)], 0.11),
        ([one_cpu(0.6), one_cpu(0.5, 0.02)], 0.0),  # a busy process beside them
        ([one_cpu(0.6), one_cpu(0.5, 0.1)], 0.0),  # beside a cell with interrupts of its own
        ([one_cpu(0.6), one_cpu(0.5, 0.0)], 0.0),
        ([one_cpu(0.6), one_cpu(0.5)], 0.0),  # the ticks tell nothing
        ([two_cpus(0.3), two_cpus(0.2, 0.01)], 0.2),  # an idle CPU's waking counts as a wait
        ([two_cpus(0.3), two_cpus(0.2, 0.4)], 0.0),  # a busy process
        ([two_cpus(0.3), two_cpus(0.3, 0.2)], 0.0),  # ticks are samples
        ([two_cpus(0.3), two_cpus(0.3, 0.12)], 0.3),
        ([two_cpus(0.3), two_cpus(0.2)], 0.0),
    ],
)
def test_the_usual_share(attempts: list[One], usual: float) -> None:
    assert usual_share(attempts) == pytest.approx(usual)
