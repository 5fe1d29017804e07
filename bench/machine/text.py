"""Text of the files below /proc and /sys, which a machine may hide."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str:
    """Read a file, without white space around it; "" where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def status(field: str, proc: Path = Path("/proc")) -> str:
    """Return a field of this process's status, "" where there is none: proc_pid_status(5)."""
    for line in text_of(proc / "self/status").splitlines():
        key, _, value = line.partition(":")
        if key == field:
            return value.strip()
    return ""
