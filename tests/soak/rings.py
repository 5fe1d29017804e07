"""Rings: processes pass messages of random sizes through shared memory at random paces.

The cases cover each waiter, copying and in place, one sender and several, Python, C, and both
over the same handles. They check each byte and the order (traffic.py). Rings of every depth
wrap around at every slot, and a lost wake-up shows as an endpoint that does not answer: then the
error has the state of the ring and of the processes (transports/testing/hangs). Rings with a
deliberate defect (tests/native/breaks.py) must be found.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.registry import get
from ipcbench.transports.shm.kinds import ALIASES, SEGMENTS, WAITERS
from ipcbench.transports.shm.transport import Shm
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.actors import Died, Stuck
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Participants, go_native, seats
from tests.native import breaks, ring_breaks, ring_laps, ring_steps
from tests.soak.traffic import (
    PACES,
    Flow,
    ask,
    exchange,
    gather,
    receive_flow,
    send_flow,
    serve,
)
from tests.soak.trials import Trial

PYTHON, NATIVE, MIXED = "python", "native", "mixed"
TRIALS = 4  # of each shape
CASES = 25  # of a trial, which an interrupted soak repeats as a whole
DEPTHS = (1, 1, 2, 2, 3, 4, 5, 7, 8, 16, 64, 65)
SIZES = (0, 1, 8, 56, 57, 64, 200, 256, 257, 1000, 4096, 70_000, 300_000)
FEW = (100, 300)  # messages of ends that yield at each look: on a busy machine each takes a slice
ANYWHERE = "memfd"  # the segment that needs no binding and no file system
CHECKS: dict[str, tuple[Callable[[], None], ...]] = {
    ring_breaks.LAPS: (ring_laps.python, ring_laps.native, ring_laps.mixed),
    ring_breaks.STEPS: (ring_steps.order,),
    ring_breaks.WAKES: (ring_steps.wakes,),
}


@dataclass(frozen=True, slots=True)
class Shape:
    waiter: str  # or an alias
    topology: Topology
    in_place: bool
    runtime: str
    wait: Wait = Wait.BLOCK

    @property
    def name(self) -> str:
        way = "/in-place" if self.in_place else ""
        wait = "" if self.wait is Wait.BLOCK else f"/{self.wait.value}"
        return f"{self.waiter}{way}/{self.topology.value}/{self.runtime}{wait}"


@dataclass(frozen=True, slots=True)
class Case:
    """One channel with random properties drawn from the seed."""

    seed: str
    segment: str
    size: int
    depth: int
    messages: int
    pace: str
    cpus: tuple[int, ...]  # for the seats in turn; empty: not pinned
    native: tuple[bool, ...]  # of each seat
    looks: int | None  # before it sleeps, where it spins first


def shapes() -> list[Shape]:
    """List the shapes: a counted ring is not read in place, and has no looks of its own."""
    counted = {name for name, kind in WAITERS.items() if kind.counted}
    return [
        Shape(name, topology, in_place, runtime, wait)
        for name in (*WAITERS, *ALIASES)
        for topology, in_place in (
            (Topology.LINK, False), (Topology.LINK, True), (Topology.FAN_IN, False),
            (Topology.HUB, False),
        )
        for runtime in (PYTHON, NATIVE, MIXED)
        for wait in (Wait.BLOCK, Wait.SPIN_BLOCK)
        if not (in_place and name in counted)
        if wait is Wait.BLOCK or name not in (*counted, *ALIASES, "futex")
    ]  # fmt: skip


def _shape(name: str) -> Shape:
    return {shape.name: shape for shape in shapes()}[name]


def drawn(shape: Shape, seed: str) -> Case:
    draw = random.Random(f"{shape.name}/{seed}")
    link = shape.topology is Topology.LINK
    parties = 2 if link else draw.randint(3, 5)
    size = draw.choice(SIZES) if draw.random() < 0.7 else draw.randint(0, 2000)
    native = [shape.runtime == NATIVE] * parties
    while shape.runtime == MIXED and len(set(native)) == 1:
        native = [draw.random() < 0.5 for _ in range(parties)]
    cpus = sorted(os.sched_getaffinity(0))
    spins_first = Wait.SPIN_BLOCK.value in (shape.waiter, shape.wait.value)
    looks = draw.choice((None, 1, 3, 200)) if spins_first else None
    yields = looks == 200 or (looks is None and (spins_first or shape.waiter == Wait.SPIN.value))
    counts = FEW if yields else (300, 1000, 3000) if link else (300, 1000)
    return Case(
        seed=f"{shape.name}/{seed}",
        segment=draw.choice(list(SEGMENTS)),
        size=max(size, shape.topology is Topology.FAN_IN),
        depth=draw.choice(DEPTHS),
        messages=draw.choice(counts),
        pace=draw.choice(list(PACES)),
        cpus=draw.choice(((), tuple(cpus[:1]), tuple(cpus))),
        native=tuple(native),
        looks=looks,
    )


@dataclass(frozen=True)
class Pinned:
    """A transport that pins each seat to a CPU as it attaches."""

    good: Shm
    cpus: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.good.name

    @property
    def traits(self) -> Traits:
        return self.good.traits

    def probe(self) -> Limits | Unavailable:
        return self.good.probe()

    def create(self, spec: Spec) -> Any:
        return self.good.create(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if self.cpus:
            number = [(ticket.role, ticket.index) == seat for seat in seats(ticket.spec)].index(
                True
            )
            os.sched_setaffinity(0, {self.cpus[number % len(self.cpus)]})
        return self.good.attach(ticket, deadline)


def found(shape: Shape, segment: str) -> Shm | Unavailable:
    """Get the transport of that shape, or the reason why it is not available here."""
    way = "/in-place" if shape.in_place else ""
    transport = get(f"shm:{segment}+{shape.waiter}{way}")
    assert isinstance(transport, Shm)
    limits = transport.probe()
    if isinstance(limits, Unavailable):
        return limits
    reason = native_loops.missing()
    if shape.runtime != PYTHON and reason is not None:
        return reason
    if shape.topology not in transport.traits.topologies:
        return Unavailable(f"it cannot be a {shape.topology.value}")
    return limits.refuses(shape.topology, 3, native=shape.runtime == NATIVE) or transport


def run_case(shape: Shape, case: Case) -> int:
    """Run one case; return the number of messages. Raises: Wrong, Stuck, Died; Unavailable."""
    transport = found(shape, case.segment)
    if isinstance(transport, Unavailable):
        raise transport
    spec = Spec(
        case.size, shape.topology, len(case.native), depth=case.depth, native=any(case.native),
        wait=shape.wait, looks=case.looks,
    )  # fmt: skip
    with Participants(Pinned(transport, case.cpus), spec, driven=False) as crew:
        for actor, native in zip(crew.actors, case.native, strict=True):
            if native:
                actor.do(go_native)
        if shape.topology is Topology.LINK:
            return _link(crew, case)
        return _gather(crew, case) if shape.topology is Topology.FAN_IN else _serve(crew, case)


def _flow(case: Case, what: str, mark: bytes = b"") -> Flow:
    return Flow(f"{case.seed}/{what}", case.size, case.messages, mark, case.pace)


def _link(crew: Participants, case: Case) -> int:
    """Send to the server, to the client, and in turn, in random order, twice each."""
    acts, count = ["to server", "to client", "in turn"] * 2, 0
    random.Random(case.seed).shuffle(acts)
    for number, act in enumerate(acts):
        flow, other = _flow(case, f"{act} {number}"), _flow(case, f"{act} {number}, answers")
        count += sum(times for _, times in flow.runs())
        ends = list(zip(crew.actors, case.native, strict=True))
        if act == "to client":
            ends.reverse()
        (sender, sends_natively), (receiver, receives_natively) = ends
        if act == "in turn":
            sender.begin(exchange, flow, other, sends_natively, True)
            receiver.begin(exchange, other, flow, receives_natively, False)
        else:
            sender.begin(send_flow, flow, sends_natively)
            receiver.begin(receive_flow, flow, receives_natively)
        _answers(crew)
    return count


def _gather(crew: Participants, case: Case) -> int:
    flows = [_flow(case, f"of {i}", bytes([i])) for i in range(len(crew.senders))]
    for actor, flow, native in zip(crew.senders, flows, case.native, strict=False):
        actor.begin(send_flow, flow, native)
    crew.receiver.begin(gather, flows, case.native[-1])
    _answers(crew)
    return sum(times for flow in flows for _, times in flow.runs())


def _serve(crew: Participants, case: Case) -> int:
    clients = range(len(crew.senders))
    asked = [_flow(case, f"of {index}") for index in clients]
    answered = [_flow(case, f"for {index}") for index in clients]
    for index, actor in enumerate(crew.senders):
        actor.begin(ask, asked[index], answered[index], case.depth, case.native[index])
    crew.receiver.begin(serve, asked, answered, case.native[-1])
    _answers(crew)
    return sum(times for flow in asked for _, times in flow.runs())


def _answers(crew: Participants) -> None:
    """Wait for all actors. An actor's own error takes precedence over Stuck and Died."""
    errors: list[Exception] = []
    for actor in reversed(crew.actors):
        try:
            if not errors or not actor.waits(0.2):
                actor.answer()
        except Exception as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda one: isinstance(one, (Stuck, Died)))


def _describe(reason: Unavailable) -> str:
    return f"{reason.reason} ({reason.remedy})" if reason.remedy else reason.reason


def run_cases(shape: Shape, seed: str, count: int) -> str:
    """Run so many cases of that shape and summarize them. Raises: AssertionError."""
    current()  # a ledger that all cases share
    before, messages, ran, why_not = snapshot(), 0, 0, ""
    for number in range(count):
        case = drawn(shape, f"{seed}/{number}")
        try:
            messages += run_case(shape, case)
            ran += 1
        except Unavailable as reason:
            why_not = _describe(reason)
        except Exception as error:
            raise AssertionError(f"{case}: {type(error).__name__}: {error}") from error
    left = left_since(before)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"{ran} cases, {messages} messages" if ran else f"not here: {why_not}"


def check(name: str) -> str:
    """Run the checks of that name that can run here. Raises: AssertionError."""
    reason = unchecked(name)
    if reason:
        return f"not here: {reason}"
    for one in CHECKS[name]:
        one()
    return f"{len(CHECKS[name])} checks"


def unchecked(name: str) -> str:
    """Return the reason why these checks cannot run here, or ""."""
    reason = native_loops.missing() if name == ring_breaks.LAPS else None
    return "" if reason is None else _describe(reason)


def find(name: str, seed: str, seconds: float) -> str:
    """Run cases of that shape until one fails or the time is over; tests of breaks call it."""
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        count += 1
        try:
            if name in CHECKS:
                return check(name)
            run_cases(_shape(name), f"{seed}/{count}", 1)
        except AssertionError as error:
            return f"found in case {count}: {' '.join(str(error).split())[-120:]}"
    return f"{count} cases"


def not_covered(one: ring_breaks.Break) -> str:
    """Return why no case of its shape reaches the break here; empty if one does."""
    if one.shape in CHECKS:
        return unchecked(one.shape)
    shape = _shape(one.shape)
    transport = found(shape, ANYWHERE)
    if isinstance(transport, Unavailable):
        return _describe(transport)
    counted = shape.waiter in WAITERS and WAITERS[shape.waiter].counted
    if not counted and shape.runtime != NATIVE and not futex.ORDERED:
        return f"{one.file} is for machines whose stores stay in order (transports/sync/futex.py)"
    return ""


def find_break(one: ring_breaks.Break, seed: int) -> str:
    """Search for a break with the cases of its shape. Raises: AssertionError if none finds it."""
    reason = breaks.lacking(one) or not_covered(one)
    if reason:
        return f"not here: {reason}"
    began = time.monotonic()
    result = breaks.run_broken(one, "tests.soak.rings", one.shape, str(seed))
    assert result.startswith("found"), f"{one.name} is not found: {result}"
    return f"{result} after {time.monotonic() - began:.1f} s"


def trials(seed: int) -> Iterator[Trial]:
    for shape in shapes():
        for number in range(TRIALS):
            yield Trial(
                f"rings/{shape.name}/{number}", partial(run_cases, shape, f"{seed}/{number}", CASES)
            )
    for name in CHECKS:
        yield Trial(f"rings/{name}", partial(check, name))
    for one in ring_breaks.RINGS:
        yield Trial(f"rings/broken/{one.name}", partial(find_break, one, seed))
