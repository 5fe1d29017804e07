"""Rings on a weakly ordered CPU such as ARM: Python uses compiled operations or refuses.

The tests only pretend that the CPU is weakly ordered. They show which operations Python
chooses and that these transfer messages, not that the order of loads and stores is right.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from ipcbench.transports.contract import Spec, Topology, Unavailable, Wait
from ipcbench.transports.native import built
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Participants, Seat, numbered, receive, send
from tests.available import available

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

SIZE, DEPTH, SENDERS = 100, 4, 3
COUNTED = ("shm:posix+sysv-sem-counted", "shm:memfd+eventfd-counted")
RINGS = (
    "shm:posix+posix-sem",
    "shm:sysv+sysv-sem",
    "shm:memfd+eventfd",
    "shm:posix+futex",
    "shm:memfd+spin",
    "shm:sysv+spin-block",
)
CARRYING = [
    *((name, True) for name in COUNTED),
    *((name, native) for name in RINGS for native in (False, True)),
]
SEVERAL = (Topology.FAN_IN, Topology.HUB)


@pytest.fixture(autouse=True)
def unordered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(futex, "ORDERED", False)
    before = snapshot()
    yield
    assert not left_since(before)


def spec(topology: Topology, *, native: bool) -> Spec:
    return Spec(SIZE, topology, 1 + SENDERS, depth=DEPTH, native=native)


def serve(seat: Seat, count: int) -> dict[int, list[bytes]]:
    """Answer each message with a copy; return the messages by client."""
    buffer, endpoint = memoryview(bytearray(SIZE)), seat.endpoint
    found: dict[int, list[bytes]] = {}
    for _ in range(count):
        index = endpoint.recv_from(buffer)  # type: ignore[attr-defined]
        found.setdefault(index, []).append(bytes(buffer))
        endpoint.send_to(index, endpoint.prepare(buffer))  # type: ignore[attr-defined]
    return found


def asked(seat: Seat, *messages: bytes) -> list[bytes]:
    answers = []
    for message in messages:
        send(seat, message)
        answers += receive(seat)
    return answers


def messages(index: int) -> list[bytes]:
    return [bytes([index]) + numbered(turn, SIZE - 1) for turn in range(10 * DEPTH)]


@pytest.mark.parametrize(("name", "native"), CARRYING)
def test_several_senders(name: str, native: bool) -> None:
    with Participants(available(name), spec(Topology.FAN_IN, native=native)) as crew:
        for index, sender in enumerate(crew.senders):
            sender.begin(send, *messages(index))
        found = crew.receiver.do(receive, SENDERS * 10 * DEPTH)
        for sender in crew.senders:
            sender.answer()
    for index in range(SENDERS):
        assert [one for one in found if one[0] == index] == messages(index)


@pytest.mark.parametrize(("name", "native"), CARRYING)
def test_a_server_of_several(name: str, native: bool) -> None:
    with Participants(available(name), spec(Topology.HUB, native=native)) as crew:
        for index, client in enumerate(crew.senders):
            client.begin(asked, *messages(index))
        found: Any = crew.receiver.do(serve, SENDERS * 10 * DEPTH)
        for index, client in enumerate(crew.senders):
            assert client.answer() == found[index] == messages(index)


@pytest.mark.parametrize("topology", SEVERAL)
@pytest.mark.parametrize("name", COUNTED)
def test_python_cannot_take_turns_at_counted_lanes(name: str, topology: Topology) -> None:
    """Both `refuses` and `create` report it; compiled loops are not affected."""
    ring = available(name)
    limits: Any = ring.probe()
    reason = limits.refuses(topology, 3, native=False)
    assert reason.reason.startswith("Python receives from several lanes on x86-64 only")
    assert reason.remedy == "measure it natively: --runtime native"
    assert limits.refuses(topology, 2, native=False) is None
    assert limits.refuses(topology, 3, native=True) is None
    with pytest.raises(Unavailable, match="receives from several lanes"):
        ring.create(spec(topology, native=False))


@pytest.mark.parametrize("topology", SEVERAL)
@pytest.mark.parametrize("name", COUNTED)
def test_python_refuses_the_lanes_of_a_native_channel(name: str, topology: Topology) -> None:
    with (
        Participants(available(name), spec(topology, native=True), driven=False) as crew,
        pytest.raises(TypeError, match="receives from several lanes"),
    ):
        crew.receiver.do(receive)


@pytest.mark.parametrize("name", [*COUNTED, *RINGS])
def test_one_sender_is_supported(name: str) -> None:
    some = [numbered(turn, SIZE) for turn in range(10 * DEPTH)]
    with Participants(available(name), Spec(SIZE, Topology.LINK, depth=DEPTH)) as crew:
        assert crew.carry(*some) == some
        assert crew.carry(*some, back=True) == some
    with Participants(available(name), Spec(SIZE, Topology.HUB, depth=DEPTH)) as crew:
        crew.senders[0].begin(asked, *some)
        assert crew.receiver.do(serve, len(some)) == {0: some}
        assert crew.senders[0].answer() == some


class Handled(Exception):
    """A signal's handler has run."""


def handle_while_waiting(seat: Seat) -> str:
    """Wait for a message while an alarm's handler raises; return what ended the call."""

    def handler(*_: object) -> None:
        raise Handled

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        receive(seat)
    except Handled:
        return "the handler"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "a message"


@pytest.mark.parametrize("wait", [Wait.BLOCK, Wait.POLL])
def test_handlers_run_while_it_waits(wait: Wait) -> None:
    """A compiled call returns for them, from poll(2) as well."""
    asked_for = Spec(SIZE, depth=DEPTH, wait=wait)
    with Participants(available("shm:memfd+eventfd"), asked_for) as crew:
        assert crew.receiver.do(handle_while_waiting) == "the handler"
        some = [numbered(turn, SIZE) for turn in range(2 * DEPTH)]
        assert crew.carry(*some) == some
