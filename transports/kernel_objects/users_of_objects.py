"""Users of objects: processes that may still need them, as far as /proc shows."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ipcbench.transports.base.file_systems import is_local
from ipcbench.transports.kernel_objects.home import PREFIX
from ipcbench.transports.kernel_objects.ledger import process_start
from ipcbench.transports.kernel_objects.named_files import MESSAGE_QUEUES
from ipcbench.transports.kernel_objects.origin import INITIAL_PIDS, Origin, namespace

BINDING = "sysv_ipc"  # part of the path of the binding, which a creator of queues has loaded
_NAME = re.compile(re.escape(PREFIX) + "[0-9a-f]{16}")
_MARGIN = 60.0  # seconds: the wall clock may have been set meanwhile


def lives(pid: int, unused: float) -> bool:
    """Tell whether the process lives that used an object.

    Args:
        pid: its pid.
        unused: seconds since the last use. A process that started later has the pid of an
            earlier one.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's, root's perhaps
        pass
    try:
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # not visible
        return True
    start = process_start(pid)
    if start is None:  # a zombie
        return False
    age = uptime - start / os.sysconf("SC_CLK_TCK")
    return age > unused - _MARGIN


def unrecorded_creator() -> str:
    """Return the reason why the creator of a queue that was never used may live, or ""."""
    if not _sees_all_processes():
        return (
            "its creator is not recorded, and may be in another PID namespace: run this on the host"
        )
    ours = namespace("ipc")
    for process in _processes():
        with contextlib.suppress(OSError):
            if process.name == str(os.getpid()) or (process / "ns/ipc").stat().st_ino != ours:
                continue
            if BINDING in (process / "maps").read_text(errors="replace"):
                return (
                    f"process {process.name} may have created it, which is not recorded: "
                    "run this again when that has ended"
                )
    return ""


def names_in_use() -> set[str]:
    """Return the private names that a visible process has open, mapped or bound.

    A private name is unique, so it is enough to find it in a path. A process of another
    user cannot have our objects open; those of our user can all be read.
    """
    found: set[str] = set()
    networks: set[str] = set()
    for process in _processes():
        for text in _paths(process, networks):
            found.update(_NAME.findall(text))
    return found


def doubt_of(path: Path) -> str:
    """Return the reason why processes that are not visible here may use a file, or ""."""
    if not _sees_all_processes():
        return (
            "a process of another PID namespace may use it: run this on the host, or rm it when "
            "nothing there runs any more"
        )
    if path.parent != MESSAGE_QUEUES and not is_local(path.parent):
        return "a process of another host may use it: rm it when nothing there runs any more"
    return ""


def _sees_all_processes() -> bool:
    """Tell whether this is the PID namespace of the host, in which all processes are visible."""
    here = Origin.here()
    return here is not None and here.pids == INITIAL_PIDS


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*")


def _paths(process: Path, networks: set[str]) -> Iterator[str]:
    """Yield the paths that /proc shows of a process: proc_pid_maps(5), proc_pid_fd(5)."""
    with contextlib.suppress(OSError):
        yield (process / "maps").read_text(errors="replace")
    with contextlib.suppress(OSError):
        for entry in os.scandir(process / "fd"):
            with contextlib.suppress(OSError):
                yield str(Path(entry.path).readlink())
    with contextlib.suppress(OSError):  # bound sockets, of each network namespace once
        network = str((process / "ns/net").readlink())
        if network not in networks:
            networks.add(network)
            yield (process / "net/unix").read_text(errors="replace")
