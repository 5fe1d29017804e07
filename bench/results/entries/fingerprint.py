"""Fingerprint of a machine: the properties that decide if stored times hold on it."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, TypeAlias

import msgspec

from ipcbench.bench.results.entries.bounds import Count, Text
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.slowdowns import LAST_CACHE, MITIGATIONS, PROCESSOR, PYTHON_BUILD
from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.results.untrusted import one_line

ALIKE = 0.10  # by which the times of a machine may differ
LONGEST = 200  # characters of a property in a message

Time: TypeAlias = Annotated[float, msgspec.Meta(ge=1e-12, le=1)]  # seconds


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Properties of a machine, and two times that it takes; "" where it does not show one.

    Virtual machines hide their CPU behind one name, so two times belong to it: machines that
    are named alike differ in them.
    """

    cpu_model: Text
    processor: Text  # family, model, stepping
    last_cache: Text
    cpus: Count  # online
    cores: Text = ""  # the kind of core that pinned processes run on
    kernel: Text  # its series: "6.18"
    python: Text  # its series, implementation and build
    mitigations: Text
    system_call: Time  # getppid(2), as Python calls it
    copy_64k: Time  # a copy of 64 KiB

    @property
    def key(self) -> str:
        """The properties without the times, as a word for names of files."""
        named = [str(getattr(self, name)) for name in _NAMED]
        return hashlib.sha256("\n".join(named).encode(errors="replace")).hexdigest()[:16]


_NAMED = {  # a property -> its name in a message
    "cpu_model": "the CPU",
    "processor": "the processor",
    "last_cache": "the last-level cache",
    "cpus": "the number of CPUs",
    "cores": "the kind of core",
    "kernel": "the kernel's series",
    "python": "Python",
    "mitigations": "mitigations",
}
_TIMED = {"system_call": "a system call", "copy_64k": "a copy of 64 KiB"}


def fingerprint_of(machine: MachineInfo, system_call: float, copy_64k: float) -> Fingerprint:
    """Return the fingerprint of a machine, given the seconds of its two times."""
    settings = machine.settings
    version, _, implementation = machine.python.partition(" ")
    python = (f"{_series(version)} {implementation}".strip(), settings.get(PYTHON_BUILD, ""))
    return Fingerprint(
        cpu_model=machine.cpu_model,
        processor=settings.get(PROCESSOR, ""),
        last_cache=settings.get(LAST_CACHE, ""),
        cpus=machine.cpus_online,
        cores=machine.cores_used,
        kernel=_series(machine.kernel),
        python=", ".join(filter(None, python)),
        mitigations=settings.get(MITIGATIONS, ""),
        system_call=system_call,
        copy_64k=copy_64k,
    )


def _series(version: str) -> str:
    return ".".join(version.split(".")[:2])


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Say in what a machine differs from an earlier one; [] for the same machine.

    The times may differ by 10 %.
    """
    found = [
        f"{name} was {_shown(then)}, is {_shown(here)}"
        for field, name in _NAMED.items()
        if (then := getattr(before, field)) != (here := getattr(now, field))
    ]
    return found + [
        f"{name} took {human_seconds(then)}, takes {human_seconds(here)}"
        for field, name in _TIMED.items()
        if not _alike(then := getattr(before, field), here := getattr(now, field))
    ]


def _alike(then: float, here: float) -> bool:
    return abs(math.log(here / then)) <= math.log(1 + ALIKE)


def _shown(value: str | int) -> str:
    return one_line(str(value), LONGEST) if value != "" else "not shown"
