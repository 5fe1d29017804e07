"""The null transport: it carries nothing, and shows the harness's own cost, a floor under all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import PlainChannel, PlainEndpoint, check_spec
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
    Limit,
    Limits,
    PeerDeath,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.native import build

TRAITS = Traits(
    family=Family.FLOOR,
    framing=Framing.MESSAGE,
    # No fan-in: the receiver could be done before the first sender has begun.
    topologies=frozenset({Topology.LINK}),
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    waiting=Wait.NONE,
    copies=0,
    carries=False,
    native=True,
)


def _send(data: Any, /) -> None:
    pass


def _recv_into(buffer: memoryview, /) -> int:
    return len(buffer)


class NullEndpoint(PlainEndpoint):
    """An end whose calls return at once."""

    def __init__(self) -> None:
        self.send: Any = _send
        self.recv_into: Any = _recv_into

    def native(self) -> object | None:
        return build("null", self)


@dataclass(frozen=True, slots=True)
class Null:
    """The transport `null`."""

    name: str = "null"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        return Limits(message=Limit("message", None, "nothing is carried"))

    def create(self, spec: Spec) -> PlainChannel:
        check_spec(self, spec, None)
        return PlainChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return NullEndpoint()
