"""Settings of the machine and of Python that influence results, each as one line of text.

They are read by the command; the processes of a run inherit them. Those of Python belong to
the interpreter that measures, which `interpreter.py` asks.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ipcbench.bench.machine.settings import interpreter
from ipcbench.bench.machine.settings.cpu_quota import quotas
from ipcbench.bench.machine.text import status, text_of
from ipcbench.bench.results.slowdowns import (
    CPU_QUOTA,
    GOVERNOR,
    IDLE_DRIVER,
    IDLE_GOVERNOR,
    IDLE_STATES,
    LAST_CACHE,
    MITIGATIONS,
    NICE,
    NO_SECCOMP,
    NORMAL,
    POLICY,
    PROCESSOR,
    SECCOMP,
)
from ipcbench.bench.results.untrusted import one_line

SMT = "several threads per core (SMT)"
PROC = Path("/proc")
SYS = Path("/sys")
CPUS = "devices/system/cpu"
LONGEST = 400  # characters of a setting
_STATES = 16  # idle states that are listed

# Files of one line, as they are.
_FILES = {
    IDLE_DRIVER: f"{CPUS}/cpuidle/current_driver",
    "isolated cpus": f"{CPUS}/isolated",
    "clock source": "devices/system/clocksource/clocksource0/current_clocksource",
    "security modules": "kernel/security/lsm",
}
_SYSCTLS = {
    "kernel.msgmax": "kernel/msgmax",
    "kernel.msgmnb": "kernel/msgmnb",
    "fs.pipe-max-size": "fs/pipe-max-size",
    "huge pages reserved": "vm/nr_hugepages",
}
_CHOICES = {  # files that list what there is, the choice in brackets
    "transparent huge pages": "kernel/mm/transparent_hugepage/enabled",
    "transparent huge pages in shared memory": "kernel/mm/transparent_hugepage/shmem_enabled",
}
# Boot options that make system calls, wake-ups or memory dearer or cheaper
# (Documentation/admin-guide/kernel-parameters.txt). The rest of the line is not recorded: it
# may hold addresses and keys.
_BOOT = {
    "audit", "clocksource", "default_hugepagesz", "hugepages", "hugepagesz", "idle",
    "intel_pstate", "amd_pstate", "isolcpus", "l1tf", "mds", "mitigations", "nohz", "nohz_full",
    "nopti", "nosmt", "nospectre_v1", "nospectre_v2", "nospec_store_bypass_disable", "preempt",
    "pti", "rcu_nocbs", "retbleed", "skew_tick", "spec_rstack_overflow",
    "spec_store_bypass_disable", "spectre_v2", "spectre_v2_user", "threadirqs",
    "transparent_hugepage", "tsc", "tsx_async_abort",
}  # fmt: skip
_BOOT_OF = ("cpuidle.", "cpuidle_haltpoll.", "haltpoll.", "intel_idle.", "processor.")
_ENVIRONMENT = ("LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_PERTURB_")  # ld.so(8), mallopt(3)
_POLICIES = {
    os.SCHED_OTHER: NORMAL,
    os.SCHED_BATCH: "SCHED_BATCH",
    os.SCHED_IDLE: "SCHED_IDLE",
    os.SCHED_FIFO: "SCHED_FIFO",
    os.SCHED_RR: "SCHED_RR",
}


def settings(cpu: int) -> dict[str, str]:
    """Return the settings that can be read; those of a CPU are those of `cpu`. Never raises."""
    found = {
        **{name: text_of(SYS / path) for name, path in _FILES.items()},
        **{name: text_of(PROC / "sys" / path) for name, path in _SYSCTLS.items()},
        **{name: _choice(text_of(SYS / path)) for name, path in _CHOICES.items()},
        **{name: _or_nothing(read, cpu) for name, read in _READERS.items()},
        **{name: os.environ.get(name, "") for name in _ENVIRONMENT},
        **interpreter.of_workers(),
    }
    return {name: one_line(value, LONGEST) for name, value in found.items() if value}


def _or_nothing(read: Callable[[int], str], cpu: int) -> str:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return read(cpu)
    return ""


def _choice(listed: str) -> str:
    """Return the word in brackets: `always [madvise] never` -> `madvise`."""
    before, _, after = listed.partition("[")
    return after.partition("]")[0] or before


def _seccomp(cpu: int) -> str:
    """Describe the filters of system calls that this process has: seccomp(2)."""
    mode = {"0": NO_SECCOMP, "1": "strict", "2": "filter"}.get(status("Seccomp", PROC), "")
    filters = status("Seccomp_filters", PROC)
    if mode != "filter" or not filters.isdecimal():
        return mode
    return "1 filter" if filters == "1" else f"{filters} filters"


def _quota(cpu: int) -> str:
    """Name the smallest CPU quota that the allowed CPUs can use up; "" without one."""
    cpus = len(os.sched_getaffinity(0))
    binding = [quota for quota in quotas(PROC.parent) if quota.cpus < cpus]
    if not binding:
        return ""
    least = min(binding, key=lambda quota: quota.cpus)
    return f"{least.setting} allows the time of {least.cpus:g} CPUs, of {cpus}"


def _mitigations(cpu: int) -> str:
    """Name the mitigations that are in force, and the vulnerabilities without one.

    Each file starts with `Mitigation: `, `Vulnerable` or `Not affected`
    (Documentation/ABI/testing/sysfs-devices-system-cpu).
    """
    parts, open_ = [], []
    for path in sorted((SYS / CPUS / "vulnerabilities").glob("*")):
        state = text_of(path).partition(";")[0]
        kind, _, what = state.partition(": ")
        if kind == "Mitigation":
            parts.append(f"{path.name}: {what}")
        elif kind.startswith("Vulnerable"):
            open_.append(path.name)
    if open_:
        parts.insert(0, f"vulnerable: {', '.join(open_)}")
    return "; ".join(parts)


def _boot(cpu: int) -> str:
    words = text_of(PROC / "cmdline").split()
    return " ".join(
        word
        for word in words
        if word.partition("=")[0] in _BOOT or word.partition("=")[0].startswith(_BOOT_OF)
    )


def _preemption(cpu: int) -> str:
    """Return the preemption model, which debugfs shows to root; else that of the build."""
    chosen = _choice(
        text_of(SYS / "kernel/debug/sched/preempt").replace("(", "[").replace(")", "]")
    )
    built = [word for word in platform.version().split() if word.startswith("PREEMPT")]
    return chosen or (built[0] if built else "none or voluntary")


def _idle_governor(cpu: int) -> str:
    folder = SYS / CPUS / "cpuidle"
    return text_of(folder / "current_governor") or text_of(folder / "current_governor_ro")


def _idle_states(cpu: int) -> str:
    """List the idle states, each with the time that leaving it takes."""
    found = []
    for number in range(_STATES):
        folder = SYS / CPUS / f"cpu{cpu}/cpuidle/state{number}"
        name = text_of(folder / "name")
        if not name:
            break
        off = ", disabled" if text_of(folder / "disable") == "1" else ""
        found.append(f"{name} ({text_of(folder / 'latency')} µs{off})")
    return ", ".join(found)


def _smt(cpu: int) -> str:
    """Tell whether a core runs several threads (sysfs-devices-system-cpu)."""
    return {"0": "off", "1": "on"}.get(text_of(SYS / CPUS / "smt/active"), "")


def _governor(cpu: int) -> str:
    return text_of(SYS / CPUS / f"cpu{cpu}/cpufreq/scaling_governor")


def _nice(cpu: int) -> str:
    return str(os.getpriority(os.PRIO_PROCESS, 0))


def _policy(cpu: int) -> str:
    policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    name = _POLICIES.get(policy, f"policy {policy}")
    priority = os.sched_getparam(0).sched_priority
    return f"{name}, priority {priority}" if priority else name


def _processor(cpu: int) -> str:
    """Return family, model and stepping, or what an ARM processor has instead."""
    wanted = {
        "cpu family": "family", "model": "model", "stepping": "stepping",
        "CPU implementer": "implementer", "CPU part": "part", "CPU variant": "variant",
        "CPU revision": "revision",
    }  # fmt: skip
    return ", ".join(
        f"{wanted[key]} {value}" for key, value in _cpuinfo(cpu).items() if key in wanted
    )


def _cpuinfo(cpu: int) -> Mapping[str, str]:
    """Return the block of a CPU in /proc/cpuinfo; of the first one where none is that CPU's."""
    blocks = [dict(_pairs(block)) for block in text_of(PROC / "cpuinfo").split("\n\n")]
    own = [block for block in blocks if block.get("processor") == str(cpu)]
    return (own or blocks)[0]


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, _, value = line.partition(":")
        yield key.strip(), value.strip()


def _last_cache(cpu: int) -> str:
    folders = sorted((SYS / CPUS / f"cpu{cpu}/cache").glob("index*"), key=lambda path: path.name)
    return text_of(folders[-1] / "size")


_READERS: Mapping[str, Callable[[int], str]] = {
    PROCESSOR: _processor,
    LAST_CACHE: _last_cache,
    GOVERNOR: _governor,
    IDLE_GOVERNOR: _idle_governor,
    SMT: _smt,
    IDLE_STATES: _idle_states,
    "preemption": _preemption,
    MITIGATIONS: _mitigations,
    "boot options": _boot,
    CPU_QUOTA: _quota,
    SECCOMP: _seccomp,
    NICE: _nice,
    POLICY: _policy,
}
