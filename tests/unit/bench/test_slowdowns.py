"""bench.results.slowdowns: the settings that change figures, and no others."""

from __future__ import annotations

import pytest

from ipcbench.bench.results.slowdowns import slowdowns

USUAL = {
    "seccomp": "none",
    "nice": "0",
    "scheduling policy": "SCHED_OTHER",
    "PYTHONMALLOC": "",
    "Python's build": "GCC 13.2.0, -O3, PGO, LTO",
    "native build": "GCC 13.2.0, -O2 -pthread",
    "mitigations": "vulnerable: spec_store_bypass",
    "governor": "powersave",
}


def test_a_usual_machine_has_none() -> None:
    assert slowdowns(USUAL) == []
    assert slowdowns({}) == []


@pytest.mark.parametrize(
    ("topic", "value", "remedy"),
    [
        ("seccomp", "2 filters", "seccomp=unconfined"),
        ("CPU quota", "cpu.max allows the time of 0.5 CPUs, of 2", "docker --cpus"),
        ("seccomp", "strict", "seccomp=unconfined"),
        ("tracer", "process 77", "strace"),
        ("nice", "10", "nice(1)"),
        ("nice", "-5", "nice(1)"),
        ("scheduling policy", "SCHED_FIFO, priority 5", "chrt --other 0"),
        ("scheduling policy", "SCHED_IDLE", "chrt --other 0"),
        ("PYTHONMALLOC", "debug", "unset PYTHONMALLOC"),
        ("PYTHONMALLOC", "malloc", "unset PYTHONMALLOC"),
        ("Python's modes", "development mode", "PYTHONDEVMODE"),
        ("Python's hooks", "sys.settrace", "coverage"),
        ("Python's build", "GCC 13.2.0, -Og (not optimized), debug build", "release"),
        ("native build", "GCC 13.2.0, -O0 -pthread (not optimized)", "IPCBENCH_CFLAGS"),
    ],
)
def test_a_setting_that_changes_figures(topic: str, value: str, remedy: str) -> None:
    (found,) = slowdowns({**USUAL, topic: value})
    assert found.topic == topic
    assert found.text.startswith(value)
    assert remedy in f"{found.text} {found.remedy}"


@pytest.mark.parametrize("value", ["default", "pymalloc", "mimalloc"])
def test_the_usual_allocator_may_be_named(value: str) -> None:
    assert slowdowns({"PYTHONMALLOC": value}) == []
