"""Tests of rings by native operations, where Python's own loops are not used."""

from __future__ import annotations

import os
import time

import pytest

from ipcbench.transports.contract import Role, Spec
from ipcbench.transports.native import built
from ipcbench.transports.shm.transport import shm
from ipcbench.transports.sync import futex


@pytest.mark.skipif(built() is not None, reason="the native runtime is not built here")
def test_a_failed_attach_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rings of a wrong ticket do not fit into the segment."""
    monkeypatch.setattr(futex, "ORDERED", False)
    transport = shm("memfd+spin")
    channel = transport.create(Spec(64, depth=4))
    try:
        ticket = channel.ticket(Role.CLIENT, 0)
        ticket.data["depth"] = 4000
        open_before = len(os.listdir("/proc/self/fd")) - len(ticket.fds)
        with pytest.raises(ValueError, match="segment"):
            transport.attach(ticket, time.monotonic() + 1)
        assert len(os.listdir("/proc/self/fd")) == open_before
    finally:
        channel.close()
        channel.unlink()
