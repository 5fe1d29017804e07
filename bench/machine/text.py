"""Text of the files below /proc and /sys, which a machine may hide."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str:
    """Read a file, without white space around it; "" where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
