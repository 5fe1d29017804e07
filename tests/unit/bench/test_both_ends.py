"""Both ends of a link in one process: attaching, the trial of a message, and what is refused."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from ipcbench.bench.loops.both_ends import BothEnds, attach_both, natively
from ipcbench.bench.patterns.self import BOTH
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan import self_trial
from ipcbench.bench.plan.planner import Candidate, plan
from ipcbench.bench.plan.self_trial import to_itself
from ipcbench.bench.results.axes import NATIVE, PYTHON, SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.transports.contract import Limits, Role, Spec, TimedOut, Transport, Unavailable
from ipcbench.transports.registry import BrokenPlugin, get, names

SIZES = (1, 64, 4096, 64 * 1024, 1 << 20)
CELL = Cell(transport="pipe", pattern="self", size=64, processes=1, placement=SAME_CORE)


def cell(name: str, size: int = 64, **others: Any) -> Cell:
    return Cell(
        transport=name, pattern="self", size=size, processes=1, placement=SAME_CORE, **others
    )


def named(name: str) -> Transport:
    found = get(name)
    assert not isinstance(found, BrokenPlugin)
    return found


def reasons(*cells: Cell, found: Candidate | None = None) -> list[str]:
    """Return the reason why each cell is skipped; "" for one that is measured."""
    planned = plan(cells, lambda name: found or candidate(name), site())
    by_cell = {one.cell.id: "" for one in planned.cells}
    by_cell |= {one.id: skip.reason for one, skip in planned.skipped}
    return [by_cell[one.id] for one in cells]


@pytest.mark.parametrize("runtime", [PYTHON, NATIVE])
def test_what_is_planned_gets_its_own_messages(runtime: str) -> None:
    """Every transport, at every size: what the plan admits passes the check without a wait."""
    admitted = 0
    cells = [cell(name, size, runtime=runtime) for name in names() for size in SIZES]
    for planned in plan(cells, candidate, site()).cells:
        one = planned.cell
        transport = named(one.transport)
        if not transport.traits.carries:
            continue
        channel = transport.create(Spec(size=one.size, native=runtime == NATIVE))
        try:
            deadline = time.monotonic() + 5
            ends: Any = attach_both(transport, channel, channel.ticket(Role.CLIENT, 0), deadline)
            try:
                ends.connect([ends.hello()], deadline)
                seat = PATTERNS["self"].seats(1)[0]
                assert (
                    BOTH.check(natively(ends) if runtime == NATIVE else ends, seat, one.size) == []
                )
                admitted += 1
            finally:
                ends.close()
        finally:
            channel.close()
            channel.unlink()
    assert admitted > 50


def test_each_refusal_has_its_reason() -> None:
    assert reasons(
        cell("pipe"),
        cell("pipe", 1 << 20),
        cell("pipe:1M", 1 << 20),
        cell("fifo"),
        cell("vmsplice"),
        cell("mp-queue"),
        cell("pipe", batch=16),
    ) == [
        "",
        "a message of 1 MiB does not fit into it while no other process receives: it holds 64 KiB",
        "",
        "an end of fifo waits for the other one when it attaches: one process cannot hold both",
        "a sender of vmsplice waits for the receiver, which is itself here",
        "another thread sends the messages of mp-queue: their time would include switches to it",
        "self sends one message a call",
    ]
    two = Cell(transport="pipe", pattern="self", size=64, processes=2, placement=SAME_CORE)
    assert reasons(two) == ["self has 1 process, not 2"]


class Silent:
    """A transport whose ends do not tell what they hold, so that it must be tried."""

    def __init__(self, good: Transport) -> None:
        self.good, self.name, self.traits = good, good.name, good.traits

    def probe(self) -> Limits | Unavailable:
        return self.good.probe()

    def create(self, spec: Spec) -> Any:
        return self.good.create(spec)

    def attach(self, ticket: Any, deadline: float) -> Any:
        end = self.good.attach(ticket, deadline)
        end.__class__ = type("SilentEnd", (type(end),), {"in_flight": None, "depth": None})
        return end


@pytest.mark.parametrize("name", ["pipe", "unix-stream", "mp-pipe"])
def test_a_message_that_does_not_fit_is_found_by_trying(name: str) -> None:
    """The rest of a message that was sent in part waits: the timer ends it."""
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    open_before = len(os.listdir("/proc/self/fd"))
    began = time.monotonic()
    refused = to_itself(Silent(named(name)), cell(name, 1 << 20))
    assert refused is not None
    assert refused.reason == (
        "a message of 1 MiB does not fit into it while no other process receives"
    )
    assert time.monotonic() - began < 5
    assert to_itself(Silent(named(name)), cell(name, 4096)) is None
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[1]) == (
        before[0],
        before[1][1],
    )
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_message_that_takes_long_to_copy_fits() -> None:
    """A large message, or a busy machine: the process uses its CPU, and waits for nothing."""

    class Slow(Silent):
        def attach(self, ticket: Any, deadline: float) -> Any:
            end = super().attach(ticket, deadline)
            send = end.send

            def send_slowly(message: Any) -> None:
                until = time.process_time() + self_trial.LIMIT / 2
                while time.process_time() < until:
                    pass
                send(message)

            end.send = send_slowly
            return end

    assert to_itself(Slow(named("shm:posix+futex")), cell("shm:posix+futex", 32 << 20)) is None


def test_an_attach_that_waits_is_found_by_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in may have left out the trait."""
    monkeypatch.setattr(self_trial, "ATTACH", 0.2)
    refused = to_itself(named("fifo"), cell("fifo"))
    assert refused is not None
    assert "hold of both ends" in refused.reason
    found = replace(candidate("fifo"), traits=replace(named("fifo").traits, attach_waits=False))
    assert reasons(cell("fifo"), found=found) == [refused.reason]


def test_a_trial_beside_the_main_thread_sets_no_timer() -> None:
    answers: list[Unavailable | None] = []
    thread = threading.Thread(target=lambda: answers.append(to_itself(named("pipe"), CELL)))
    thread.start()
    thread.join()
    assert answers == [None]


def test_a_failure_of_the_trial_is_left_to_the_run() -> None:
    class Broken(Silent):
        def create(self, spec: Spec) -> Any:
            raise OSError(24, "too many open files")

    assert to_itself(Broken(named("pipe")), CELL) is None


def test_an_end_is_closed_where_the_other_one_does_not_attach() -> None:
    closed: list[str] = []

    class End:
        def close(self) -> None:
            closed.append("client")

    class Ticket:
        spec = None

        def close(self) -> None:
            closed.append("ticket")

    class Half:
        def attach(self, ticket: Any, deadline: float) -> Any:
            if closed or self.seen:
                raise TimedOut("no counterpart")
            self.seen = True
            return End()

        seen = False

    class Channel:
        def ticket(self, role: Role, index: int) -> Any:
            return Ticket()

    half: Any = Half()
    channel: Any = Channel()
    ticket: Any = Ticket()
    with pytest.raises(TimedOut):
        attach_both(half, channel, ticket, 0.0)
    assert closed == ["client", "ticket"]


def test_both_ends_are_closed_even_if_one_fails() -> None:
    closed: list[str] = []

    class End:
        def __init__(self, name: str) -> None:
            self.name, self.prepare, self.send, self.recv_into = name, None, None, None

        def close(self) -> None:
            closed.append(self.name)
            raise OSError

    with pytest.raises(OSError):
        BothEnds(End("sender"), End("receiver")).close()
    assert closed == ["sender", "receiver"]


def test_the_trial_comes_last() -> None:
    """Nothing is tried for a cell that is skipped anyway, or that has two processes."""

    def never(one: Cell) -> Unavailable | None:
        raise AssertionError(one.id)

    found = replace(candidate("pipe"), to_itself=never)
    two = Cell(transport="pipe", pattern="latency", size=64, placement=SAME_CORE)
    assert reasons(cell("pipe", batch=16), two, found=found)[1] == ""
