"""Pattern `set-up`: its phases, and channels that are removed whatever happens."""

from __future__ import annotations

from typing import Any

import pytest

from ipcbench.bench.loops.clock import FakeClock, RealClock
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.single.set_up import SETS_UP, Maker, make_channels, observe, set_up
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.planner import plan
from ipcbench.bench.results.axes import SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import PHASES
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.transports.contract import Limits, Role, Spec, Ticket, Transport, Unavailable
from ipcbench.transports.null import Null, NullEndpoint
from ipcbench.transports.registry import BrokenPlugin, get

SPEC = Spec(64)
BUFFER = memoryview(bytearray(64))
(SEAT,) = SETS_UP.seats(1)


class Recorded(NullEndpoint):
    """An end that records its calls, and gives back what was sent last."""

    def __init__(self, calls: list[str], sent: list[bytes], fails: str) -> None:
        self._calls, self._sent, self._fails = calls, sent, fails
        self.send, self.recv_into = self._send, self._recv_into

    def _send(self, data: Any, /) -> None:
        self._calls.append("send")
        if self._fails == "send":
            raise OSError("no")
        self._sent.append(bytes(data))

    def _recv_into(self, buffer: memoryview, /) -> int:
        self._calls.append("receive")
        data = self._sent.pop()
        if self._fails == "bytes":
            data = data[:-1] + bytes([data[-1] ^ 1])
        buffer[: len(data)] = data
        return len(data)

    def _close(self) -> None:
        self._calls.append("close end")


class Recording:
    """A transport that records what is done with it; `fails` names a step."""

    def __init__(self, fails: str = "") -> None:
        self.calls: list[str] = []
        self.fails = fails
        self.name, self.traits = "recording", Null().traits
        self._sent: list[bytes] = []

    def probe(self) -> Limits | Unavailable:
        return Null().probe()

    def create(self, spec: Spec) -> Any:
        self.calls.append("create")
        channel: Any = Null().create(spec)
        channel._close = lambda: self.calls.append("close channel")
        channel.unlink = lambda: self.calls.append("unlink")
        return channel

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        self.calls.append(f"attach {ticket.role.value}")
        if self.fails == ticket.role.value:
            raise Unavailable("no")
        return Recorded(self.calls, self._sent, self.fails)


ATTACHED = ["create", "attach client", "attach server"]
REMOVED = ["close end", "close end", "close channel", "unlink"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_loop_makes_a_channel_and_removes_it(count: int) -> None:
    transport = Recording()
    span = set_up(Maker(transport, SPEC), BUFFER, BUFFER, count, RealClock())
    assert transport.calls == [*ATTACHED, "send", "receive", *REMOVED] * count
    assert span.handled == count


def test_phases_are_parts_of_the_time() -> None:
    maker = Maker(Recording(), SPEC)
    assert observe(maker) == {}
    span = set_up(maker, BUFFER, BUFFER, 50, RealClock())
    phases = observe(maker)
    assert tuple(phases) == PHASES
    assert all(seconds > 0 for seconds in phases.values())
    assert 0 < sum(phases.values()) <= (span.end - span.start) / 50


def test_phases_on_a_made_up_clock() -> None:
    """Each reading is one message later: so is the end of each phase."""
    maker, clock = Maker(Recording(), SPEC), FakeClock("set-up", 1)
    clock.begin(10)
    span = set_up(maker, BUFFER, BUFFER, 10, clock)
    assert span.end - span.start == pytest.approx(10 * clock.cost)
    assert list(observe(maker).values()) == pytest.approx([clock.cost] * 4, rel=0.01)


@pytest.mark.parametrize("fails", ["client", "server", "send"])
def test_a_channel_is_removed_where_a_step_fails(fails: str) -> None:
    transport = Recording(fails)
    with pytest.raises((Unavailable, OSError)):
        set_up(Maker(transport, SPEC), BUFFER, BUFFER, 1, RealClock())
    assert transport.calls[-2:] == ["close channel", "unlink"]
    attached = len([call for call in transport.calls if call.startswith("attach")])
    assert transport.calls.count("close end") == attached - (fails != "send")


def test_the_check_compares_what_arrives() -> None:
    for size in (1, 64, 4096):
        assert SEAT.part.check(Maker(Recording(), Spec(size)), SEAT, size) == []
    with pytest.raises(Corrupt):
        SEAT.part.check(Maker(Recording("bytes"), SPEC), SEAT, 64)


@pytest.mark.parametrize("name", ["pipe", "socketpair", "unix-stream", "shm:posix+futex"])
def test_real_channels(name: str) -> None:
    transport = get(name)
    assert not isinstance(transport, BrokenPlugin)
    if isinstance(transport.probe(), Unavailable):
        pytest.skip("it is not here")
    channel = transport.create(SPEC)
    ticket = channel.ticket(Role.CLIENT, 0)
    maker = make_channels(transport, channel, ticket, 0.0)
    channel.close()
    channel.unlink()
    assert ticket.fds == ()
    assert SEAT.part.check(maker, SEAT, 64) == []
    assert set_up(maker, BUFFER, BUFFER, 3, RealClock()).handled == 3


def cell(name: str, **others: Any) -> Cell:
    return Cell(
        transport=name, pattern="set-up", size=64, processes=1, placement=SAME_CORE, **others
    )


def test_what_cannot_be_set_up_by_one_process_has_its_reason() -> None:
    assert pattern_of(cell("pipe")) is SETS_UP
    found = plan([cell("pipe"), cell("fifo"), cell("pipe", runtime="native")], candidate, site())
    assert [one.cell.transport for one in found.cells] == ["pipe"]
    reasons = {one.id: skip.reason for one, skip in found.skipped}
    assert "attaches" in reasons[cell("fifo").id]
    native = reasons.get(cell("pipe", runtime="native").id, "")
    assert "no loops in C" in native or "not built" in native


def test_the_transport_follows_the_contract() -> None:
    assert isinstance(Recording(), Transport)
