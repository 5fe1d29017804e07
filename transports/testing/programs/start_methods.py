"""Tests of tickets as arguments of multiprocessing's processes."""

from __future__ import annotations

from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import pytest

from ipcbench.transports import registry
from ipcbench.transports.contract import Sharing, Spec, Ticket, Topology, Transport
from ipcbench.transports.testing.actors import CALL_LIMIT, Actor
from ipcbench.transports.testing.participants import (
    Seat,
    attach,
    connect,
    hello,
    numbered,
    receive,
    seats,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject

METHODS = ("spawn", "forkserver")  # fork(2) passes everything


class StartMethodTests:
    """Tests of processes that are started as new interpreters."""

    @pytest.mark.parametrize("method", METHODS)
    def test_start_method(self, subject: Subject, method: str) -> None:
        """Such a process attaches with its ticket, or one line says why not (`Sharing`)."""
        spec = spec_of(subject.transport)
        inherits = subject.transport.traits.sharing is Sharing.INHERIT
        with ExitStack() as stack:
            channel = stack.enter_context(subject.channel(spec))
            tickets = [stack.enter_context(channel.ticket(*seat)) for seat in seats(spec)]
            actor = stack.enter_context(Actor(lambda: (subject.transport, tickets)))
            if not inherits:
                assert actor.do(start, method) == (numbered(1, spec.size), 0)
                return
            with pytest.raises(TypeError) as refused:
                actor.do(start, method)
            assert "fork" in str(refused.value) and "\n" not in str(refused.value)


def spec_of(transport: Transport) -> Spec:
    """Return the spec of a channel of two processes."""
    topologies = transport.traits.topologies
    topology = next(one for one in Topology if one in topologies)  # a link, where it can be one
    return Spec(0 if topology in (Topology.SIGNAL, Topology.GUARD) else TYPICAL, topology)


# The functions below run in the process of an actor, and the last one in a process that it starts.


def start(state: tuple[Transport, list[Ticket]], method: str) -> tuple[bytes, int | None]:
    """Start a process that receives a message; return what it received, and its exit code."""
    transport, (mine, others) = state
    named = registry.get(transport.name) is transport
    context: Any = get_context(method)
    here, there = context.Pipe()
    process = context.Process(
        target=take_part, args=(transport.name if named else transport, others, there)
    )
    try:
        process.start()
        others.close()
        there.close()
        seat = Seat(transport, mine)
        attach(seat)
        with seat.endpoint:
            hellos = [hello(seat), here.recv()]
            here.send(hellos)
            connect(seat, hellos)
            if transport.traits.carries:
                send(seat, numbered(1, seat.size))
            received: bytes = here.recv()
        process.join(CALL_LIMIT)
        return received, process.exitcode
    finally:
        for end in (here, there):
            end.close()


def take_part(given: str | Transport, ticket: Ticket, there: Connection[Any, Any]) -> None:
    """Attach, and pass on the message that arrives; where none can, the one expected."""
    found = registry.transport(given) if isinstance(given, str) else given
    seat = Seat(found, ticket)
    attach(seat)
    there.send(hello(seat))
    connect(seat, there.recv())
    (message,) = receive(seat) if found.traits.carries else [numbered(1, seat.size)]
    there.send(message)
    seat.endpoint.close()
