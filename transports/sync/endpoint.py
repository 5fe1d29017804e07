"""What signals and guards share: they carry nothing."""

from __future__ import annotations

from typing import Any

from ipcbench.transports.base import PlainEndpoint, closed, forbidden
from ipcbench.transports.contract import (
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Sharing,
    Topology,
    Traits,
    Wait,
)

NOTHING = Limits(message=Limit("message", None, "nothing is carried"))

TOKEN = Traits(  # each transport replaces what differs
    family=Family.SYNCHRONISATION,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.SIGNAL, Topology.GUARD}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.PROCESS,
    waiting=Wait.BLOCK,
    zero_length=True,
    pollable=False,
    copies=0,
    unlink_early=True,
    carries=False,
    native=True,
)


class TokenEndpoint(PlainEndpoint):
    """Its transport sets `notify` and `wait`, or `acquire` and `release`."""

    def __init__(self) -> None:
        self.send: Any = forbidden("it carries nothing")
        self.recv_into: Any = forbidden("it carries nothing")
        self.notify: Any = forbidden("a guard is acquired and released")
        self.wait: Any = self.notify
        self.acquire: Any = forbidden("a signal is notified and waited for")
        self.release: Any = self.acquire

    def close(self) -> None:
        self.send = self.recv_into = closed
        self.notify = self.wait = self.acquire = self.release = closed
