"""Kernel settings: proc_sys(5), sysctl(8)."""

from __future__ import annotations

from pathlib import Path

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
