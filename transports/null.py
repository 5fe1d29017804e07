"""Nothing at all: what the harness itself costs, the floor under every figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base.defaults import (
    PlainChannel,
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
)
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
)
from ipcbench.transports.native import operations

TRAITS = Traits(
    family=Family.FLOOR,
    framing=Framing.MESSAGE,
    # No fan-in: a receiver of nothing may be done before the first sender has begun.
    topologies=frozenset({Topology.LINK}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.PROCESS,
    waiting=Waiting.NONE,
    zero_length=True,
    pollable=False,
    copies=0,
    carries=False,
    native=True,
)


def _send(data: Any, /) -> None:
    pass


def _recv_into(buffer: memoryview, /) -> int:
    return len(buffer)


class NullEndpoint(PlainEndpoint):
    def __init__(self) -> None:
        self.send: Any = _send
        self.recv_into: Any = _recv_into

    def native(self) -> object | None:
        return None if operations is None else operations.nothing(self)

    def close(self) -> None:
        self.send = self.recv_into = closed


class NullChannel(PlainChannel):
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        return Ticket(role, index, self._spec)

    def close(self) -> None:
        self._closed = True


@dataclass(frozen=True, slots=True)
class Null:
    name: str = "null"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        return Limits(message=Limit("message", None, "nothing is carried"))

    def create(self, spec: Spec) -> NullChannel:
        check_spec(self, spec, None)
        return NullChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return NullEndpoint()
