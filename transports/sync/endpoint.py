"""Signals and guards: endpoints and traits of transports that transfer no data."""

from __future__ import annotations

from typing import Any

from ipcbench.transports.base import PlainEndpoint, closed, forbidden
from ipcbench.transports.contract import (
    Family,
    Framing,
    Limit,
    Limits,
    PeerDeath,
    Sharing,
    Topology,
    Traits,
)

NOTHING = Limits(message=Limit("message", None, "nothing is carried"))

TOKEN = Traits(  # each transport replaces what differs
    family=Family.SYNCHRONISATION,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.SIGNAL, Topology.GUARD}),
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    copies=0,
    unlink_early=True,
    carries=False,
    native=True,
)


class TokenEndpoint(PlainEndpoint):
    """An endpoint without data; a transport sets its two calls."""

    def __init__(self) -> None:
        self.send = self.recv_into = forbidden("it carries nothing")
        self.notify: Any = forbidden("a guard is acquired and released")
        self.wait: Any = self.notify
        self.acquire: Any = forbidden("a signal is notified and waited for")
        self.release: Any = self.acquire

    def close(self) -> None:
        self.notify = self.wait = self.acquire = self.release = closed
        super().close()
