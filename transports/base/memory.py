"""Memory that can be had now: the machine's, and the room below the limits of its cgroups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ipcbench.transports.contract import Limit, Need

CGROUPS = Path("/sys/fs/cgroup")
FREE = "free memory, or ask for smaller messages or fewer processes"
RAISE = (
    "raise the cgroup's limit of memory (docker run --memory, systemd's MemoryMax), or ask for "
    "smaller messages or fewer processes"
)
_UNBOUNDED = 1 << 62  # the first version's limit of a cgroup without one is just below 2^63


def meminfo() -> dict[str, int]:
    """Read proc_meminfo(5); sizes are in bytes."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        key, value, *unit = line.split()
        found[key.rstrip(":")] = int(value) * 1024 if unit else int(value)
    return found


@dataclass(frozen=True, slots=True)
class MemoryCgroup:
    """A cgroup with the controller of memory, of either version: cgroups(7)."""

    folder: Path
    second: bool  # of version 2

    def _number(self, name: str) -> int | None:
        try:
            return int((self.folder / name).read_text())
        except (OSError, ValueError):  # "max"
            return None

    def _counts(self, name: str) -> dict[str, int]:
        try:
            lines = (self.folder / name).read_text().splitlines()
            return {key: int(value) for key, value in map(str.split, lines)}
        except (OSError, ValueError):
            return {}

    @property
    def limit(self) -> int | None:
        """The bytes that its processes may use; None: no bound."""
        found = self._number("memory.max" if self.second else "memory.limit_in_bytes")
        return None if found is None or found >= _UNBOUNDED else found

    @property
    def room(self) -> int | None:
        """The bytes left below the limit; the cache of files can be given up."""
        limit = self.limit
        if limit is None:
            return None
        used = self._number("memory.current" if self.second else "memory.usage_in_bytes") or 0
        key = "inactive_file" if self.second else "total_inactive_file"
        return max(0, limit - used + self._counts("memory.stat").get(key, 0))

    @property
    def kills(self) -> int | None:
        """The number of processes that the OOM killer has ended here; None: not counted."""
        name = "memory.events" if self.second else "memory.oom_control"
        return self._counts(name).get("oom_kill")


def memory_cgroups() -> Iterator[MemoryCgroup]:
    """Yield the cgroup of this process and those around it, as far as they can be seen."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        for root in (CGROUPS / "memory",) if controllers else (CGROUPS, CGROUPS / "unified"):
            yield from _upwards(root, path.strip("/"), second=not controllers)


def _upwards(root: Path, path: str, *, second: bool) -> Iterator[MemoryCgroup]:
    """Yield the cgroups from one to the root; in a container its root may be mounted instead."""
    folder = root / path if (root / path).is_dir() else root
    own = "memory.current" if second else "memory.usage_in_bytes"
    for one in (folder, *folder.parents):
        if (one / own).exists():
            yield MemoryCgroup(one, second)
        if one == root:
            return


def free_memory(name: str = "segment") -> Limit:
    """Return the memory that can be had without swapping, with its source and a remedy.

    Args:
        name: the limit's name.
    """
    try:
        machine = meminfo()
    except OSError:
        machine = {}
    free = machine.get("MemAvailable")
    found = Limit(name, free, "MemAvailable, proc_meminfo(5)", FREE, _enough(machine, FREE))
    if free is None:
        found = Limit(name, None, "proc_meminfo(5) has no MemAvailable")
    for cgroup in memory_cgroups():
        room, limit = cgroup.room, cgroup.limit
        if room is not None and (found.value is None or room < found.value):
            source = f"{cgroup.folder}, limit {limit} bytes"
            found = Limit(name, room, source, RAISE, _enough(machine, RAISE))
    return found


def _enough(machine: dict[str, int], remedy: str) -> Callable[[Need], str]:
    """Return the remedy for a lack of bytes, unless no machine of this size could give them."""
    total = machine.get("MemTotal")
    less = f"ask for smaller messages or fewer processes: this machine has {total} bytes of memory"
    return lambda need: remedy if total is None or need.size <= total else less


def lacking(size: int) -> str:
    """Return the remedy where so many bytes are more than the memory that can be had, or ""."""
    free = free_memory()
    if free.value is None or size <= free.value:
        return ""
    remedy = free.remedy_for(Need(size))
    return f"{remedy}: {size} bytes are needed, and {free.value} are free ({free.source})"


def oom_kills() -> int:
    """Return the number of processes that the OOM killer has ended in our cgroup so far.

    Where no cgroup counts them, those of the whole machine: proc_vmstat(5).
    """
    for cgroup in memory_cgroups():
        if cgroup.kills is not None:
            return cgroup.kills
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def bound() -> Limit:
    """Return the bound of memory that the OOM killer enforces here, with a remedy."""
    limits = [(cgroup.limit, cgroup) for cgroup in memory_cgroups()]
    bounded = [(limit, cgroup) for limit, cgroup in limits if limit is not None]
    if not bounded:
        return Limit("memory", None, "of this machine", FREE)
    limit, cgroup = min(bounded, key=lambda one: one[0])
    return Limit("memory", limit, f"of the cgroup {cgroup.folder}", RAISE)
