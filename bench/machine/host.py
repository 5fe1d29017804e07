"""The description of the host."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

from ipcbench.bench.machine.settings.settings import settings
from ipcbench.bench.machine.text import text_of
from ipcbench.bench.machine.topology import DEVICES, Cpu, kinds_of, of_one_kind, topology
from ipcbench.bench.results.entries.machine import CoreKind, MachineInfo


def cpu_model() -> str:
    """Return the name of the CPU; of its architecture where it has none."""
    for line in text_of(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.machine()


def _virtualization() -> str:
    """Describe the hypervisor, or return "" if none is visible."""
    flags = text_of(Path("/proc/cpuinfo"))
    vendor = text_of(Path("/sys/class/dmi/id/sys_vendor"))
    if "hypervisor" in flags:
        return f"virtual machine ({vendor})" if vendor else "virtual machine"
    return ""


def machine() -> MachineInfo:
    """Describe this machine. Never raises: a file that cannot be read is left out."""
    cpus = topology()
    used = [cpu.number for cpu in of_one_kind(cpus)]
    found = settings(used[-1])
    hidden = []
    if "governor" not in found:
        hidden.append("CPU frequency")
    if not text_of(DEVICES / f"system/cpu/cpu{used[-1]}/cache/index3/shared_cpu_list"):
        hidden.append("which CPUs share a cache")
    return MachineInfo(
        hostname=socket.gethostname(),
        kernel=platform.release(),
        cpu_model=cpu_model(),
        cpus=[cpu.number for cpu in cpus],
        cpus_online=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        virtualization=_virtualization(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        hidden=hidden,
        settings=found,
        cores=_cores(cpus, used),
    )


def _cores(cpus: Sequence[Cpu], used: Collection[int]) -> list[CoreKind]:
    """Describe the kinds of core; [] where all are alike."""
    return [
        CoreKind(
            name=kind.name,
            capacity=kind.capacity,
            cpus=[cpu.number for cpu in group],
            used=group[0].number in used,
        )
        for kind, group in kinds_of(cpus).items()
        if kind.name
    ]
