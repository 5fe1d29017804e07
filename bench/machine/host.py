"""The host: its hardware, its settings, its CPUs, and their time so far."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.results.records import MachineInfo

_SYS = Path("/sys/devices/system/cpu")
IDLE_LATENCY = Path("/dev/cpu_dma_latency")

# The settings that influence results, with their files; shown on the page and by `doctor`.
_SETTINGS = {
    "governor": _SYS / "cpu0/cpufreq/scaling_governor",
    "idle driver": _SYS / "cpuidle/current_driver",
    "idle governor": _SYS / "cpuidle/current_governor",
    "smt": _SYS / "smt/active",
    "isolated cpus": _SYS / "isolated",
    "clock source": Path("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    "kernel.msgmax": Path("/proc/sys/kernel/msgmax"),
    "kernel.msgmnb": Path("/proc/sys/kernel/msgmnb"),
    "fs.pipe-max-size": Path("/proc/sys/fs/pipe-max-size"),
    "transparent huge pages": Path("/sys/kernel/mm/transparent_hugepage/enabled"),
}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _cpu_model() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.machine()


def _virtualization() -> str:
    """Describe the hypervisor, or return "" if none is visible."""
    flags = _text(Path("/proc/cpuinfo"))
    vendor = _text(Path("/sys/class/dmi/id/sys_vendor"))
    if "hypervisor" in flags:
        return f"virtual machine ({vendor})" if vendor else "virtual machine"
    return ""


def machine() -> MachineInfo:
    """Describe this machine. Never raises: a file that cannot be read is left out."""
    settings = {name: _text(path) for name, path in _SETTINGS.items()}
    hidden = []
    if not settings["governor"]:
        hidden.append("CPU frequency")
    if not _text(_SYS / "cpu0/cache/index3/shared_cpu_list"):
        hidden.append("which CPUs share a cache")
    return MachineInfo(
        hostname=socket.gethostname(),
        kernel=platform.release(),
        cpu_model=_cpu_model(),
        cpus=sorted(os.sched_getaffinity(0)),
        cpus_online=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        virtualization=_virtualization(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        hidden=hidden,
        settings={name: value for name, value in settings.items() if value},
    )


def cpu_list(text: str) -> list[int]:
    """Parse the CPU lists of /sys: `0-2,5` -> [0, 1, 2, 5]."""
    cpus: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


@dataclass(frozen=True, slots=True)
class Cpu:
    """A CPU that may be used; two with the same `core` are threads of one physical core."""

    number: int
    core: tuple[int, ...]
    shares_cache_with: tuple[int, ...]


def topology() -> list[Cpu]:
    """List the CPUs of sched_getaffinity(2); without topology in /sys, each is a core."""
    allowed = sorted(os.sched_getaffinity(0))
    found = []
    for number in allowed:
        folder = _SYS / f"cpu{number}"
        siblings = cpu_list(_text(folder / "topology/thread_siblings_list")) or [number]
        cache = cpu_list(_text(folder / "cache/index3/shared_cpu_list")) or allowed
        found.append(Cpu(number, tuple(siblings), tuple(cache)))
    return found


def may_forbid_idle() -> str:
    """Return the reason why idle states cannot be forbidden, or ""."""
    try:
        os.close(os.open(IDLE_LATENCY, os.O_WRONLY | os.O_CLOEXEC))
    except OSError as error:
        return f"{IDLE_LATENCY}: {error.strerror}"
    return ""


def forbid_idle() -> int:
    """Keep every CPU out of its idle states until the returned descriptor is closed.

    The kernel honours the request of 0 µs while the file is open
    (Documentation/power/pm_qos_interface.rst). Raises: OSError.
    """
    fd = os.open(IDLE_LATENCY, os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, (0).to_bytes(4, "little"))
    return fd


@dataclass(frozen=True, slots=True)
class Ticks:
    """Time of all CPUs so far, in clock ticks: proc_stat(5)."""

    total: int
    steal: int

    def steal_since(self, before: Ticks) -> float:
        """Return the share of the time since `before` that the hypervisor took."""
        return (self.steal - before.steal) / max(1, self.total - before.total)


def ticks() -> Ticks:
    """Read /proc/stat; a kernel that counts no steal shows 0."""
    fields = [int(text) for text in _text(Path("/proc/stat")).partition("\n")[0].split()[1:9]]
    fields += [0] * (8 - len(fields))
    return Ticks(sum(fields), fields[7])
