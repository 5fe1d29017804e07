"""Remedies that suffice: settings and limits with their values, as this machine takes them.

In a container /proc/sys is mostly read-only, and sysctl(8) fails there: the settings of its
IPC and network namespaces are options of its start, all others are the host's.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ipcbench.transports.base.sysctl import ROOT, sysctl
from ipcbench.transports.contract import Limit

NEW_OPTIONS = "start the container with "
ON_THE_HOST = "on the container's host: "
_CAP_SYS_ADMIN, _CAP_SYS_RESOURCE = 21, 24  # <linux/capability.h>

_OWN = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.", "net.")  # of a namespace each
_HOSTS = ("net.core.",)  # read-only in a network namespace: net/core/sysctl_net_core.c
_MARKS = re.compile("docker|containerd|kubepods|libpod|lxc|machine.slice")

# Resource -> (bash's option, docker's name): bash(1), docker-run(1).
_ULIMITS = {
    "RLIMIT_NOFILE": ("-n", "nofile"),
    "RLIMIT_MSGQUEUE": ("-q", "msgqueue"),
    "RLIMIT_SIGPENDING": ("-i", "sigpending"),
    "RLIMIT_NPROC": ("-u", "nproc"),
}


@cache
def in_container() -> bool:
    """Tell whether this looks like a container of any kind."""
    if any(Path(path).exists() for path in ("/.dockerenv", "/run/.containerenv")):
        return True
    if "container" in os.environ or "KUBERNETES_SERVICE_HOST" in os.environ:
        return True
    return b"container=" in _read("/proc/1/environ") or bool(
        _MARKS.search(_read("/proc/1/cgroup").decode(errors="replace"))
    )


def pip_install(name: str, *, upgrade: bool = False) -> str:
    """Return the command that installs a package, or the extra `[libraries]`, for this program.

    In a checkout it is the checkout's own: no index of packages need know it.
    """
    checkout = Path(__file__).resolve().parents[2]
    here = (checkout / "pyproject.toml").is_file()
    own = here and Path(sys.prefix).resolve() == checkout / ".venv"
    if name.startswith("["):
        name = f"-e '.{name}'" if here else f"'ipcbench{name}'"
    return f"{'.venv/bin/' if own else ''}pip install {'--upgrade ' if upgrade else ''}{name}"


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def set_kernel(settings: Mapping[str, int | str]) -> str:
    """Return the action that changes kernel settings, all together.

    Args:
        settings: name, as sysctl(8) writes it -> new value; empty: "".
    """
    here, own, hosts = [], [], []
    for name, value in settings.items():
        text = f"{name}={value}" if isinstance(value, int) else f'{name}="{value}"'
        if not in_container() or _writable(name):
            here.append(text)
        elif name.startswith(_OWN) and not name.startswith(_HOSTS):
            own.append(f"--sysctl {text}")
        else:
            hosts.append(text)
    parts = (
        f"sysctl -w {' '.join(here)}" if here else "",
        f"{NEW_OPTIONS}{' '.join(own)}" if own else "",
        f"{ON_THE_HOST}sysctl -w {' '.join(hosts)}" if hosts else "",
    )
    return all_of(*parts)


def _writable(name: str) -> bool:
    return os.access(ROOT.joinpath(*name.split(".")), os.W_OK)


def sysctl_limit(limit: str, name: str, value: int | None = None) -> Limit:
    """Make the limit that a setting is, with the action that doubles it.

    Args:
        limit: the limit's name: "bytes in a queue".
        name: the setting, as sysctl(8) writes it.
        value: its value, where it is known already.

    Raises:
        OSError: this kernel has no such setting.
    """
    found = sysctl(name) if value is None else value
    return Limit(limit, found, name, set_kernel({name: 2 * found}))


def raise_limit(name: str, wanted: int) -> str:
    """Return the action that raises a resource limit to a value: getrlimit(2).

    Above the hard limit this takes CAP_SYS_RESOURCE, which a container's root mostly lacks.

    Args:
        name: "RLIMIT_NOFILE".
        wanted: the new value.
    """
    option, docker = _ULIMITS[name]
    _, hard = resource.getrlimit(getattr(resource, name))
    if hard == resource.RLIM_INFINITY or wanted <= hard or _has(_CAP_SYS_RESOURCE):
        return f"ulimit {option} {wanted}"
    if in_container():
        return f"{NEW_OPTIONS}--ulimit {docker}={wanted}:{wanted}"
    return f"as root: prlimit --pid $$ --{docker}={wanted}:{wanted}"


def _has(capability: int) -> bool:
    """Tell whether this process has a capability: capabilities(7), proc_pid_status(5)."""
    found = re.search(rb"^CapEff:\s*([0-9a-f]+)$", _read("/proc/self/status"), re.MULTILINE)
    return bool(int(found[1], 16) >> capability & 1) if found else os.geteuid() == 0


def resize_tmpfs(folder: Path, size: int) -> str:
    """Return the action that gives a tmpfs so many bytes in all.

    Args:
        folder: its mount point.
        size: the bytes.
    """
    mib = f"{-(-size // 2**20)}m"
    if in_container() and not _has(_CAP_SYS_ADMIN):
        if folder == Path("/dev/shm"):
            return f"{NEW_OPTIONS}--shm-size={mib}"
        return f"{NEW_OPTIONS}--tmpfs {folder}:size={mib}"
    return f"mount -o remount,size={mib} {folder}"


def all_of(*actions: str) -> str:
    """Join the actions that are all needed; empty ones are left out."""
    return ", and ".join(filter(None, actions))


def either_of(*actions: str) -> str:
    """Join the actions of which one suffices; empty ones are left out."""
    return ", or ".join(filter(None, actions))
