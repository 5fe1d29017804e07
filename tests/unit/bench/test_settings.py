"""bench.machine.settings.settings: what makes calls dear, read from files as kernels write them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from ipcbench.bench.machine.settings import interpreter, settings
from ipcbench.bench.results.slowdowns import NICE, POLICY

CPU = 3


class Files:
    """A tree like / with /sys and /proc alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, value: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")

    def status(self, *lines: str) -> None:
        self.write("proc/self/status", "\n".join(("Name:\tipcbench", *lines)))


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    monkeypatch.setattr(settings, "SYS", tmp_path / "sys")
    monkeypatch.setattr(settings, "PROC", tmp_path / "proc")
    monkeypatch.setattr(interpreter, "of_workers", dict)
    return Files(tmp_path)


def read(name: str) -> str:
    return settings.settings(CPU).get(name, "")


def test_without_files_only_system_calls_tell_something(files: Files) -> None:
    assert set(settings.settings(CPU)) <= {NICE, POLICY, "preemption"}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("Seccomp:\t0", "Seccomp_filters:\t0"), "none"),
        (("Seccomp:\t2", "Seccomp_filters:\t3"), "3 filters"),
        (("Seccomp:\t2", "Seccomp_filters:\t1"), "1 filter"),
        (("Seccomp:\t2",), "filter"),  # before Linux 5.9
        (("Seccomp:\t1", "Seccomp_filters:\t0"), "strict"),
        (("Seccomp:\tmany",), ""),
        ((), ""),  # a kernel without it
    ],
)
def test_filters_of_system_calls(files: Files, lines: tuple[str, ...], found: str) -> None:
    files.status(*lines)
    assert read("seccomp") == found


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        ("50000 100000", "cpu.max allows the time of 0.5 CPUs, of 2"),
        ("200000 100000", ""),  # two CPUs cannot use it up
        ("max 100000", ""),
    ],
)
def test_a_quota_that_the_cpus_can_use_up(
    files: Files, monkeypatch: pytest.MonkeyPatch, limit: str, found: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    files.write("proc/self/cgroup", "0::/box")
    files.write("proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")
    files.write("sys/fs/cgroup/box/cpu.max", limit)
    assert read("CPU quota") == found


def test_mitigations_in_short(files: Files) -> None:
    folder = "sys/devices/system/cpu/vulnerabilities"
    for name, state in {
        "meltdown": "Mitigation: PTI",
        "l1tf": "Not affected",
        "spectre_v2": "Mitigation: Enhanced / Automatic IBRS; IBPB: conditional; RSB filling",
        "spec_store_bypass": "Vulnerable",
        "retbleed": "Vulnerable: no microcode",
        "mds": "Unknown: No mitigations",
    }.items():
        files.write(f"{folder}/{name}", state)
    assert read("mitigations") == (
        "vulnerable: retbleed, spec_store_bypass; meltdown: PTI; "
        "spectre_v2: Enhanced / Automatic IBRS"
    )


def test_boot_options_that_matter_and_no_others(files: Files) -> None:
    files.write(
        "proc/cmdline",
        "root=/dev/sda1 mitigations=off quiet nopti cpuidle.off=1 token=secret preempt=full nosmt",
    )
    assert read("boot options") == "mitigations=off nopti cpuidle.off=1 preempt=full nosmt"


@pytest.mark.parametrize(
    ("listed", "version", "found"),
    [
        ("none voluntary (full) lazy", "#1 SMP PREEMPT_DYNAMIC Tue", "full"),
        ("", "#1 SMP PREEMPT_DYNAMIC Tue", "PREEMPT_DYNAMIC"),
        ("", "#1 SMP PREEMPT_RT Tue", "PREEMPT_RT"),
        ("", "#1 SMP Debian 6.1", "none or voluntary"),
    ],
)
def test_the_preemption_model(
    files: Files, monkeypatch: pytest.MonkeyPatch, listed: str, version: str, found: str
) -> None:
    if listed:
        files.write("sys/kernel/debug/sched/preempt", listed)
    monkeypatch.setattr(platform, "version", lambda: version)
    assert read("preemption") == found


def test_the_idle_states_of_the_cpu_that_is_used(files: Files) -> None:
    folder = "sys/devices/system/cpu"
    files.write(f"{folder}/cpuidle/current_governor_ro", "menu")
    for number, (name, latency, off) in enumerate(
        [("POLL", "0", "0"), ("C1", "2", "0"), ("C6", "133", "1")]
    ):
        state = f"{folder}/cpu{CPU}/cpuidle/state{number}"
        files.write(f"{state}/name", name)
        files.write(f"{state}/latency", latency)
        files.write(f"{state}/disable", off)
    assert read("idle states, time to leave") == "POLL (0 µs), C1 (2 µs), C6 (133 µs, disabled)"
    assert read("idle governor") == "menu"


def test_huge_pages_are_the_choice_in_brackets(files: Files) -> None:
    files.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never")
    files.write(
        "sys/kernel/mm/transparent_hugepage/shmem_enabled",
        "always within_size advise [never] deny force",
    )
    files.write("proc/sys/vm/nr_hugepages", "32")
    assert read("transparent huge pages") == "madvise"
    assert read("transparent huge pages in shared memory") == "never"
    assert read("huge pages reserved") == "32"


@pytest.mark.parametrize(
    ("cpuinfo", "found"),
    [
        (
            "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 1\nstepping\t: 1\n\n"
            "processor\t: 3\ncpu family\t: 6\nmodel\t\t: 151\nmodel name\t: i9\nstepping\t: 2\n",
            "family 6, model 151, stepping 2",
        ),
        (
            "processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x2\nCPU part\t: 0xd05\n"
            "CPU revision\t: 0\n",
            "implementer 0x41, variant 0x2, part 0xd05, revision 0",
        ),
        ("noise", ""),
    ],
)
def test_the_processor_is_that_of_the_cpu(files: Files, cpuinfo: str, found: str) -> None:
    files.write("proc/cpuinfo", cpuinfo)
    assert read("processor") == found


def test_the_last_cache(files: Files) -> None:
    for number, size in enumerate(("32K", "32K", "1024K", "36864K")):
        files.write(f"sys/devices/system/cpu/cpu{CPU}/cache/index{number}/size", size)
    assert read("last-level cache") == "36864K"


def test_niceness_and_policy(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpriority", lambda which, who: 10)
    monkeypatch.setattr(os, "sched_getscheduler", lambda pid: os.SCHED_FIFO | 0x40000000)
    monkeypatch.setattr(os, "sched_getparam", lambda pid: os.sched_param(5))
    assert read("nice") == "10"
    assert read("scheduling policy") == "SCHED_FIFO, priority 5"


def test_texts_are_one_short_line(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "a\x1b[31m\n" + "b" * 10_000)
    files.write("sys/kernel/security/lsm", "capability,\x07landlock")
    found = settings.settings(CPU)
    assert "landlock" in found["security modules"]
    for value in found.values():
        assert len(value) < 2 * settings.LONGEST
        assert value.isprintable()


# The interpreter that measures.


def asked(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    interpreter.of_workers.cache_clear()
    try:
        return interpreter.of_workers()
    finally:
        interpreter.of_workers.cache_clear()


@pytest.mark.parametrize(("pid", "found"), [("0", ""), ("", ""), ("4711", "process 4711")])
def test_a_tracer(monkeypatch: pytest.MonkeyPatch, pid: str, found: str) -> None:
    monkeypatch.setattr(interpreter, "status", {"TracerPid": pid}.__getitem__)
    assert interpreter.settings()["tracer"] == found


def test_python_describes_its_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONMALLOC", raising=False)
    found = asked(monkeypatch)
    assert "-O" in found["Python's build"]
    assert found["PYTHONMALLOC"] == ""
    assert found["Python's modes"] == ""


def test_what_the_environment_hands_on_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, PYTHONMALLOC="debug", PYTHONDEVMODE="1", PYTHONTRACEMALLOC="1")
    assert found["PYTHONMALLOC"] == "debug"
    assert found["Python's modes"] == "development mode, tracemalloc"


def test_hooks_that_start_with_python_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Coverage of subprocesses sets its hook in each interpreter that starts."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.setprofile(lambda *_: None)\n")
    found = asked(monkeypatch, PYTHONPATH=str(tmp_path))
    assert found["Python's hooks"] == "sys.setprofile"


def test_an_interpreter_that_does_not_start_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert asked(monkeypatch) == {}
    monkeypatch.setattr("sys.executable", "/bin/echo")
    assert asked(monkeypatch) == {}
