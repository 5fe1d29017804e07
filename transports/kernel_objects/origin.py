"""Origin of a ledger: the host, the boot and the namespaces in which its pids mean something.

Several containers or hosts may share the folder of ledgers. A pid of one of them is
another process's in the others, or no process's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ipcbench.transports.base.file_systems import is_local

INITIAL_PIDS = 0xEFFFFFFC  # the host's PID namespace: PROC_PID_INIT_INO, include/linux/proc_ns.h


def namespace(kind: str) -> int | None:
    """Return the number of a namespace of this process, namespaces(7); None: unknown.

    Args:
        kind: a file of /proc/self/ns: "pid", "ipc".
    """
    try:
        return Path("/proc/self/ns", kind).stat().st_ino
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Origin:
    """Identity of the pids of a process: while `boot`, `pids` and `times` are equal.

    The number of a namespace is given again once the namespace is gone; the processes of
    the first one are dead by then, and none of the second one has their start time.
    """

    host: str
    boot: str
    pids: int
    times: int  # start times are shown with the offset of a time namespace: time_namespaces(7)

    @classmethod
    def here(cls) -> Origin | None:
        """Return this process's origin; None where /proc does not describe it.

        With `unshare --pid` alone, /proc is still that of the outer PID namespace, and
        its numbers are those of other processes.
        """
        try:
            if str(Path("/proc/self").readlink()) != str(os.getpid()):
                return None
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        pids = namespace("pid")
        if pids is None or not boot:
            return None
        # A kernel before 5.6 has no time namespaces.
        return cls(os.uname().nodename, boot, pids, namespace("time") or 0)

    @classmethod
    def of(cls, entry: Mapping[str, object]) -> Origin | None:
        """Read the origin in a ledger's first entry; None: it has none."""
        host, boot, pids, times = (entry.get(key) for key in ("host", "boot", "pids", "times"))
        if not (isinstance(host, str) and isinstance(boot, str) and boot):
            return None
        if not (isinstance(pids, int) and isinstance(times, int)):
            return None
        return cls(host, boot, pids, times)

    def entry(self) -> dict[str, object]:
        return asdict(self)

    def same_pids(self, other: Origin) -> bool:
        """Tell whether a pid means the same process; the name of the host does not matter."""
        return (self.boot, self.pids, self.times) == (other.boot, other.pids, other.times)

    def ended_before(self, here: Origin, folder: Path) -> bool:
        """Tell whether it is an earlier boot of this host, whose processes are all dead.

        Args:
            here: the origin of this process.
            folder: the folder of the ledger. Two hosts may have the same name, and share
                a network file system; a local file system is mounted by one kernel only.
        """
        return self.boot != here.boot and self.host == here.host and is_local(folder)


def in_ipc_namespace(name: str) -> int | None:
    """Return the place of a System V key or of a POSIX queue: ipc_namespaces(7)."""
    return namespace("ipc")


def in_shared_memory(name: str) -> int | None:
    """Return the place of a name of shm_open(3) or sem_open(3): the file system at /dev/shm."""
    return _device(Path("/dev/shm"))


def in_its_folder(name: str) -> int | None:
    """Return the place of a path: the file system of its folder."""
    return _device(Path(name).parent)


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


Place = Callable[[str], int | None]
"""Number of the namespace or file system in which a name is known, from the name."""
