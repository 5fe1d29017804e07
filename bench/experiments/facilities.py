"""Facilities of experiments: transports that this machine has."""

from __future__ import annotations

from ipcbench.transports.contract import Transport, Unavailable
from ipcbench.transports.registry import BrokenPlugin, get


def transport(name: str) -> Transport:
    """Return a transport by its name. Raises: Unavailable if this machine does not have it."""
    found = get(name)
    lack = found.reason if isinstance(found, BrokenPlugin) else found.probe()
    if isinstance(lack, Unavailable):
        raise lack
    assert not isinstance(found, BrokenPlugin)
    return found
