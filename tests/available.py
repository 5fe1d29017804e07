"""A transport for a test; the test is skipped where this machine lacks it."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Transport, Unavailable
from ipcbench.transports.registry import get


def available(name: str) -> Transport:
    """Get the transport of that name, or skip the test and give the reason."""
    found = get(name)
    assert isinstance(found, Transport)
    limits = found.probe()
    if isinstance(limits, Unavailable):
        pytest.skip(f"{limits.reason} ({limits.remedy})")
    return found
