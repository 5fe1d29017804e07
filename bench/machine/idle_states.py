"""Idle states of the CPUs, which a run may forbid. A worker imports this: it is light."""

from __future__ import annotations

import os
from pathlib import Path

IDLE_LATENCY = Path("/dev/cpu_dma_latency")


def may_forbid_idle() -> str:
    """Return the reason why idle states cannot be forbidden, or ""."""
    try:
        os.close(os.open(IDLE_LATENCY, os.O_WRONLY | os.O_CLOEXEC))
    except OSError as error:
        return f"{IDLE_LATENCY}: {error.strerror}"
    return ""


def forbid_idle() -> int:
    """Keep every CPU out of its idle states until the returned descriptor is closed.

    The kernel honours the request of 0 µs while the file is open
    (Documentation/power/pm_qos_interface.rst). Raises: OSError.
    """
    fd = os.open(IDLE_LATENCY, os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, (0).to_bytes(4, "little"))
    return fd
