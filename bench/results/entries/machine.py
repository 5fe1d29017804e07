"""Description of a machine, as it stands in a journal's header."""

from __future__ import annotations

import msgspec

from ipcbench.bench.results.entries.bounds import Count
from ipcbench.bench.results.slowdowns import LAST_CACHE, MITIGATIONS, PROCESSOR


class CoreKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of core of a hybrid machine, as far as the sweep may use it.

    `used`: the kind that pinned processes run on. `capacity`: the speed relative to the
    fastest CPU of the machine, 1024; 0: not shown.
    """

    name: str
    capacity: Count = 0
    cpus: list[Count]
    used: bool


class MachineInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Description of a machine; `hidden` lists the properties that it does not report."""

    hostname: str
    kernel: str
    cpu_model: str
    cpus: list[Count]  # the CPUs that the sweep may use
    cpus_online: Count
    memory_bytes: Count
    virtualization: str  # "" if none was found
    python: str
    hidden: list[str] = []
    settings: dict[str, str] = {}  # that influence results: governor, idle driver, limits …
    cores: list[CoreKind] = []  # the kinds of core, the fastest first; none: all are alike

    @property
    def cores_used(self) -> str:
        """The kind of core that pinned processes run on; "" where all are alike."""
        return next((kind.name for kind in self.cores if kind.used), "")

    @property
    def identity(self) -> str:
        """Processor, kernel series and Python, as one text; a sweep is resumed on the same one."""
        series = ".".join(self.kernel.split(".")[:2])
        python = ".".join(self.python.split(".")[:2])
        cache = self.settings.get(LAST_CACHE, "")
        parts = (
            f"{self.cpu_model} x{self.cpus_online}",
            self.settings.get(PROCESSOR, ""),
            cache and f"{LAST_CACHE} {cache}",
            self.cores_used,
            f"Linux {series}",
            f"Python {python}",
            self.settings.get(MITIGATIONS, ""),
        )
        return ", ".join(filter(None, parts))
