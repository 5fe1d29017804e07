"""Checks of native ends that spin, which find the breaks of them (breaks.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipcbench.transports.contract import Spec, Topology, Transport, TransportError, Wait
from ipcbench.transports.registry import get
from ipcbench.transports.testing import actors
from ipcbench.transports.testing.hub import ask, serve
from ipcbench.transports.testing.participants import Participants, numbered, receive, send
from ipcbench.transports.testing.waiting import How, check_waiting
from tests.native.ring_breaks import Break

SIZE, LARGE = 64, 1 << 20  # bytes: the latter is more than a pipe or a socket holds
LARGE_ONES = 20
MANY_LOOKS = 1 << 24  # some seconds

SPINNING, SEAT = "transports/native/spinning.h", "transports/native/spinning_seat.c"
BREAKS = (
    Break("spin: it gives up", SPINNING, "ipcbench_spin_at(",
          "if (found != -EAGAIN || policy->nowait)",
          "if (found != -EAGAIN || policy->nowait || looked > 100)", "spins"),
    Break("spin: it never sleeps", SPINNING, "ipcbench_after_look(",
          "if (policy->sleeps && looked >= policy->looks)", "if (0)", "sleeps"),
    Break("spin: it sleeps at once", SPINNING, "ipcbench_after_look(",
          "looked >= policy->looks)", "1)", "looks"),
    Break("spin: the rest of a message is not sent", "transports/native/descriptors.c",
          "write_rest(", "size > 0;", "0;", "completes"),
    Break("spin: one peer alone is looked at", SEAT, "look_at_each(",
          "place + 1 == self->reading ? 0 : place + 1", "place", "serves"),
    Break("spin: a server ends with its first client", SEAT, "look_at_each(",
          "found != -EPIPE || self->open == 1", "1", "goes on"),
)  # fmt: skip


def _spec(how: How, topology: Topology = Topology.LINK, size: int = SIZE) -> Spec:
    return how.applied(Spec(size, topology, 2 if topology is Topology.LINK else 3, native=True))


def _over(spec: Spec) -> Participants:
    transport = get("unix-stream")
    assert isinstance(transport, Transport)
    return Participants(transport, spec)


def _waits(spec: Spec, how: How) -> None:
    with _over(spec) as participants:
        participants.receiver.begin(receive)
        check_waiting(participants.receiver, how)
        participants.senders[0].do(send, numbered(1, SIZE))
        assert participants.receiver.answer() == [numbered(1, SIZE)]


def spins() -> None:
    _waits(_spec(How.SPIN), How.SPIN)


def sleeps() -> None:
    _waits(_spec(How.SPIN_BLOCK), How.SPIN_BLOCK)


def looks() -> None:
    """It spins for as many looks as it is asked to."""
    _waits(replace(_spec(How.SPIN_BLOCK), wait=Wait.SPIN_BLOCK, looks=MANY_LOOKS), How.SPIN)


def completes() -> None:
    with _over(_spec(How.SPIN, size=LARGE)) as participants:
        for _ in range(LARGE_ONES):  # a receiver that is quick leaves no rest
            assert participants.carry(numbered(1, LARGE)) == [numbered(1, LARGE)]


def serves() -> None:
    with _over(_spec(How.SPIN, Topology.HUB)) as participants:
        for client in participants.senders:
            client.begin(ask, 20)
        participants.receiver.do(serve, 40)


def goes_on() -> None:
    """It serves a client after the end of the other one."""
    with _over(_spec(How.SPIN, Topology.HUB)) as participants:
        participants.senders[0].kill()
        participants.senders[1].begin(ask, 20)
        participants.receiver.do(receive, 1)


CHECKS: dict[str, Callable[[], None]] = {
    "spins": spins, "sleeps": sleeps, "looks": looks,
    "completes": completes, "serves": serves, "goes on": goes_on,
}  # fmt: skip


def find(name: str, seed: str, seconds: float) -> str:
    """Make one check; tests of breaks call it."""
    try:
        CHECKS[name]()
    except (AssertionError, TransportError, actors.Stuck, actors.Died) as error:
        return f"found: {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    return "not found"
