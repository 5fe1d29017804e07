"""Users of objects: processes that may still need them, as far as /proc shows."""

from __future__ import annotations

import contextlib
import os
import re
import time
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
        Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # not visible
        return True
    start = process_start(pid)
    if start is None:  # a zombie
        return False
    # /proc/uptime may be a container's (lxcfs), and start times are the kernel's all the same.
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - start / os.sysconf("SC_CLK_TCK")
    return age > unused - _MARGIN


def unrecorded_creator() -> str:
    """Return the reason why the creator of a queue that was never used may live, or ""."""
    if _hides_processes():
        return "its creator is not recorded, and may be hidden (hidepid, proc(5)): run this as root"
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
    return unreadable_process()


def names_in_use() -> set[str]:
    """Return the private names that a visible process has open, mapped or bound.

    A private name is unique, so it is enough to find it in a path. A process of another
    user cannot have our objects open; for those of ours see `unreadable_process`.
    """
    found: set[str] = set()
    networks: set[str] = set()
    for process in _processes():
        for text in _paths(process, networks):
            found.update(_NAME.findall(text))
    return found


def unreadable_process() -> str:
    """Return the reason why a process whose objects cannot be read may use one, or "".

    Of our user's programs, those with capabilities of their file can only be read by root:
    ptrace(2). ssh-agent(1) and others choose that too; they use no object of ipcbench.
    """
    for process in _processes():
        with contextlib.suppress(OSError):
            if not _is_readable(process) and _may_be_one(process):
                return (
                    f"process {process.name} may use it, and cannot be read: "
                    "run this again when that has ended"
                )
    return ""


def _is_readable(process: Path) -> bool:
    try:
        with (process / "maps").open("rb") as maps:  # its mode does not tell
            maps.read(1)
    except PermissionError:
        return False
    return True


def _may_be_one(process: Path) -> bool:
    """Tell whether a process is of our user and may be one of ipcbench."""
    lines = (process / "status").read_text(errors="replace").splitlines()
    users = next((line.split()[1:] for line in lines if line.startswith("Uid:")), [])
    named = (process / "cmdline").read_bytes()
    return str(os.geteuid()) in users and (b"python" in named or b"ipcbench" in named)


def doubt_of(path: Path) -> str:
    """Return the reason why processes that are not visible here may use a file, or ""."""
    if _hides_processes():
        return (
            "a process that /proc hides here (hidepid, proc(5)) may use it: rm it when no "
            "program of ipcbench runs any more"
        )
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


def _hides_processes() -> bool:
    """Tell whether /proc has the option hidepid, and this process no right to see all."""
    try:
        Path("/proc/1/stat").read_text()
    except OSError:
        return True
    return False


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
