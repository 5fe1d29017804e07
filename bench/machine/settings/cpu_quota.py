"""CPU quotas of control groups (cgroups(7)), and the time that they stopped processes.

A quota is set by `docker --cpus` or Kubernetes's limits: when the processes of a group have
used it up, they all stop until the next period begins (Documentation/scheduler/sched-bwc.rst).
`root` is as in `cpu_time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.machine.cpu_time import ROOT, numbers
from ipcbench.bench.machine.text import text_of


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota: as many CPUs' time as all processes of a group may use, and its files."""

    setting: str  # the name of the file that sets it
    folder: Path
    cpus: float

    def throttled(self) -> float:
        """Return the seconds that the group's processes have been stopped so far, on all CPUs."""
        for line in text_of(self.folder / "cpu.stat").splitlines():
            name, _, value = line.partition(" ")
            if name == "throttled_usec" and value.isdigit():
                return int(value) * 1e-6
            if name == "throttled_time" and value.isdigit():  # of version 1
                return int(value) * 1e-9
        return 0.0


def quotas(root: Path = ROOT) -> list[Quota]:
    """List the quotas that bind this process: of its groups, and of the groups above them."""
    found = []
    for folder in _folders(root):
        limit, _, period = text_of(folder / "cpu.max").partition(" ")
        if limit.isdigit() and period.isdigit():
            found.append(Quota("cpu.max", folder, int(limit) / max(1, int(period))))
            continue
        quota = numbers(text_of(folder / "cpu.cfs_quota_us"))
        every = numbers(text_of(folder / "cpu.cfs_period_us"))
        if quota and every and quota[0] > 0:
            found.append(Quota("cpu.cfs_quota_us", folder, quota[0] / max(1, every[0])))
    return found


def _folders(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's groups that may have a quota, and those above."""
    for line in text_of(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and "cpu" not in controllers.split(","):
            continue
        for mount, within in _mounts(root, "cgroup2" if number == "0" else "cgroup"):
            # In a container the mount's root may be the group itself: cgroup_namespaces(7).
            below = Path(path.removeprefix(within.rstrip("/")).strip("/"))
            for part in (below, *below.parents):
                yield mount / part


def _mounts(root: Path, kind: str) -> Iterator[tuple[Path, str]]:
    """Yield where control groups are mounted, and the group at the mount's root."""
    for line in text_of(root / "proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        type_, _, options = rest.partition(" ")
        before = fields.split(" ")
        if type_ != kind or len(before) < 5:
            continue
        if kind == "cgroup2" or "cpu" in options.split(" ")[-1].split(","):
            yield root / before[4].lstrip("/"), before[3]
