"""A transport for a test; the test is skipped where this machine lacks it."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Transport, Unavailable
from ipcbench.transports.registry import get


def available(name: str) -> Transport:
    """Get the transport of that name, or skip the test and give the reason."""
    found = get(name)
    assert isinstance(found, Transport)
    need(found.probe())
    return found


def need(probed: object) -> None:
    """Skip the test where this is the lack that a probe has found, and give the reason."""
    if isinstance(probed, Unavailable):
        pytest.skip(f"{probed.reason} ({probed.remedy})")
