"""What a test plays with, where this machine has it: else the test is skipped, with the reason."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Transport, Unavailable
from ipcbench.transports.registry import get


def available(name: str) -> Transport:
    """The transport of that name. Skips what asks for one that cannot be had here."""
    found = get(name)
    assert isinstance(found, Transport)
    limits = found.probe()
    if isinstance(limits, Unavailable):
        pytest.skip(f"{limits.reason} ({limits.remedy})")
    return found
