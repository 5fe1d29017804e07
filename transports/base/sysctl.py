"""Kernel settings: proc_sys(5), sysctl(8)."""

from __future__ import annotations

from pathlib import Path

from ipcbench.transports.contract import Limit

ROOT = Path("/proc/sys")


def sysctl(name: str) -> int:
    """Read a setting that is one number.

    Args:
        name: as sysctl(8) writes it: "fs.pipe-max-size".

    Raises:
        OSError: this kernel has no such setting.
    """
    return int(sysctl_text(name))


def sysctl_text(name: str) -> str:
    """Read a setting of any form.

    Args:
        name: as sysctl(8) writes it: "kernel.sem".

    Raises:
        OSError: this kernel has no such setting.
    """
    return ROOT.joinpath(*name.split(".")).read_text().strip()


def sysctl_command(name: str, value: int) -> str:
    """Return the command that changes a setting.

    Args:
        name: as sysctl(8) writes it.
        value: the new value.
    """
    return f"sysctl -w {name}={value}"


def sysctl_limit(limit: str, name: str, value: int | None = None) -> Limit:
    """Make the limit that a setting is, with the command that doubles it.

    Args:
        limit: the limit's name: "bytes in a queue".
        name: the setting, as sysctl(8) writes it.
        value: its value, where it is known already.

    Raises:
        OSError: this kernel has no such setting.
    """
    found = sysctl(name) if value is None else value
    return Limit(limit, found, name, sysctl_command(name, 2 * found))
