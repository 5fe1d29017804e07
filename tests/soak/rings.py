"""Rings: messages of drawn sizes go through shared memory between real processes, at drawn paces.

Over each waiter, copying and in place, of one sender and of several, from Python, from C, and
from both over the same handles. Each byte and the order are checked (traffic.py), a ring of any
depth comes round at every slot, and a wake-up that is lost is an end that gives no answer. And
rings with one thing broken (tests/native/breaks.py) must be found out.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
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
from ipcbench.transports.shm.kinds import SEGMENTS, WAITERS
from ipcbench.transports.shm.transport import Shm
from ipcbench.transports.sync import futex
from ipcbench.transports.testing.actors import Died, Stuck
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Crew, go_native, seats
from tests.native import breaks
from tests.soak.traffic import (
    PACES,
    Flow,
    ask,
    draw_off,
    draw_off_many,
    exchange,
    gather,
    pour,
    pour_many,
    serve,
)
from tests.soak.trials import Trial

PYTHON, NATIVE, MIXED = "python", "native", "mixed"
TRIALS = 4  # of each shape
GAMES = 25  # of a trial: what an interrupted soak has to play again
DEPTHS = (1, 1, 2, 2, 3, 4, 5, 7, 8, 16, 64, 65)
SIZES = (0, 1, 8, 56, 57, 64, 200, 256, 257, 1000, 4096, 70_000, 300_000)
ANYWHERE = "memfd"  # the segment that takes no binding, and no file system
LONG_WAY = "/long way"
BATCHED = ((8, 512), (64, 130), (136, 5))  # sizes and depths
NUMBERS = 2**24  # IPCBENCH_NUMBERS of native/word_ring.h: messages until numbers come again


@dataclass(frozen=True, slots=True)
class Shape:
    waiter: str
    topology: Topology
    in_place: bool
    runtime: str

    @property
    def name(self) -> str:
        way = "/in-place" if self.in_place else ""
        return f"{self.waiter}{way}/{self.topology.value}/{self.runtime}"


@dataclass(frozen=True, slots=True)
class Game:
    """What the seed has drawn for one channel."""

    seed: str
    segment: str
    size: int
    depth: int
    messages: int
    pace: str
    cpus: tuple[int, ...]  # in turn; none: wherever the kernel likes
    native: tuple[bool, ...]  # of each seat


def shapes() -> list[Shape]:
    """Words have one layout in Python and another one in C: there no channel is shared."""
    return [
        Shape(name, topology, in_place, runtime)
        for name, kind in WAITERS.items()
        for topology, in_place in (
            (Topology.LINK, False), (Topology.LINK, True), (Topology.FAN_IN, False),
            (Topology.HUB, False),
        )
        for runtime in (PYTHON, NATIVE, MIXED)
        if runtime != MIXED or not kind.in_memory
    ]  # fmt: skip


def _shape(name: str) -> Shape:
    if name.endswith(LONG_WAY):
        return Shape(name.removesuffix(LONG_WAY), Topology.LINK, False, NATIVE)
    return {shape.name: shape for shape in shapes()}[name]


def drawn(shape: Shape, seed: str) -> Game:
    draw = random.Random(f"{shape.name}/{seed}")
    alone = shape.topology is Topology.LINK
    parties = 2 if alone else draw.randint(3, 5)
    size = draw.choice(SIZES) if draw.random() < 0.7 else draw.randint(0, 2000)
    native = [shape.runtime == NATIVE] * parties
    while shape.runtime == MIXED and len(set(native)) == 1:
        native = [draw.random() < 0.5 for _ in range(parties)]
    cpus = sorted(os.sched_getaffinity(0))
    return Game(
        seed=f"{shape.name}/{seed}",
        segment=draw.choice(list(SEGMENTS)),
        size=max(size, shape.topology is Topology.FAN_IN),
        depth=draw.choice(DEPTHS),
        messages=draw.choice((300, 1000, 3000)) if alone else draw.choice((300, 1000)),
        pace=draw.choice(list(PACES)),
        cpus=draw.choice(((), tuple(cpus[:1]), tuple(cpus))),
        native=tuple(native),
    )


@dataclass(frozen=True)
class Pinned:
    """The transport, each of whose seats attaches on a CPU of its own choice."""

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
    """The transport of that shape, or why it cannot be played here."""
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


def play(shape: Shape, game: Game) -> int:
    """Messages that went through. Raises: Wrong, Stuck, Died; Unavailable."""
    transport = found(shape, game.segment)
    if isinstance(transport, Unavailable):
        raise transport
    spec = Spec(
        game.size, shape.topology, len(game.native), depth=game.depth, native=any(game.native)
    )
    with Crew(Pinned(transport, game.cpus), spec, driven=False) as crew:
        for actor, native in zip(crew.actors, game.native, strict=True):
            if native:
                actor.do(go_native)
        if shape.topology is Topology.LINK:
            return _link(crew, game)
        return _gather(crew, game) if shape.topology is Topology.FAN_IN else _serve(crew, game)


def _flow(game: Game, what: str, mark: bytes = b"") -> Flow:
    return Flow(f"{game.seed}/{what}", game.size, game.messages, mark, game.pace)


def _link(crew: Crew, game: Game) -> int:
    """Forth, back, and in turn, in a drawn order and more than once."""
    acts, count = ["forth", "back", "in turn"] * 2, 0
    random.Random(game.seed).shuffle(acts)
    for number, act in enumerate(acts):
        flow, other = _flow(game, f"{act} {number}"), _flow(game, f"{act} {number}, answers")
        count += sum(times for _, times in flow.runs())
        ends = list(zip(crew.actors, game.native, strict=True))
        if act == "back":
            ends.reverse()
        (sender, its), (receiver, others) = ends
        if act == "in turn":
            sender.begin(exchange, flow, other, its, True)
            receiver.begin(exchange, other, flow, others, False)
        else:
            sender.begin(pour, flow, its)
            receiver.begin(draw_off, flow, others)
        _answers(crew)
    return count


def _gather(crew: Crew, game: Game) -> int:
    flows = [_flow(game, f"of {i}", bytes([i])) for i in range(len(crew.senders))]
    for actor, flow, native in zip(crew.senders, flows, game.native, strict=False):
        actor.begin(pour, flow, native)
    crew.receiver.begin(gather, flows, game.native[-1])
    _answers(crew)
    return sum(times for flow in flows for _, times in flow.runs())


def _serve(crew: Crew, game: Game) -> int:
    clients = range(len(crew.senders))
    asked = [_flow(game, f"of {index}") for index in clients]
    answered = [_flow(game, f"for {index}") for index in clients]
    for index, actor in enumerate(crew.senders):
        actor.begin(ask, asked[index], answered[index], game.depth, game.native[index])
    crew.receiver.begin(serve, asked, answered, game.native[-1])
    _answers(crew)
    return sum(times for flow in asked for _, times in flow.runs())


def _answers(crew: Crew) -> None:
    """Of all; what an end found wrong comes before an end that waits for it in vain."""
    errors: list[Exception] = []
    for actor in reversed(crew.actors):
        try:
            if not errors or not actor.waits(0.2):
                actor.answer()
        except Exception as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda one: isinstance(one, (Stuck, Died)))


def _told(reason: Unavailable) -> str:
    return f"{reason.reason} ({reason.remedy})" if reason.remedy else reason.reason


def games(shape: Shape, seed: str, count: int) -> str:
    """So many games of that shape; what they were. Raises: AssertionError."""
    current()  # one ledger for all of them
    before, messages, played, why_not = snapshot(), 0, 0, ""
    for number in range(count):
        game = drawn(shape, f"{seed}/{number}")
        try:
            messages += play(shape, game)
            played += 1
        except Unavailable as reason:
            why_not = _told(reason)
        except Exception as error:
            raise AssertionError(f"{game}: {type(error).__name__}: {error}") from error
    left = left_since(before)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"{played} games, {messages} messages" if played else f"not here: {why_not}"


def long_way(waiter: str, seed: int) -> str:
    """Past the last number that a message can have (native/word_ring.h), and on from there."""
    transport = found(_shape(waiter + LONG_WAY), ANYWHERE)
    if isinstance(transport, Unavailable):
        return f"not here: {_told(transport)}"
    draw = random.Random(f"{seed}/{waiter}")
    # Such as go in batches; of two messages only where nobody has to be woken for each of them:
    # all have to be through within an actor's life.
    size, depth = draw.choice(BATCHED if WAITERS[waiter].waiting is Wait.SPIN else BATCHED[:-1])
    left = NUMBERS - draw.randint(1, 500)
    with Crew(transport, Spec(size, Topology.LINK, 2, depth=depth, native=True)) as crew:
        while left > 0:
            message, batch = draw.randbytes(size), min(left, 2**19)
            crew.actors[0].begin(pour_many, message, batch)
            crew.actors[1].begin(draw_off_many, message, batch)
            _answers(crew)
            left -= batch
        game = Game(f"{seed}/{waiter}", ANYWHERE, size, depth, 1000, "at once", (), (True, True))
        count = _link(crew, game)
    return f"{NUMBERS} messages, and {count} more"


def find(name: str, seed: str, seconds: float) -> str:
    """Play that shape until something is wrong, or for so long: where a break is looked for."""
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        count += 1
        try:
            if name.endswith(LONG_WAY):
                long_way(name.removesuffix(LONG_WAY), count)
            else:
                games(_shape(name), f"{seed}/{count}", 1)
        except AssertionError as error:
            return f"found in game {count}: {' '.join(str(error).split())[-120:]}"
    return f"{count} games"


def unplayed(one: breaks.Break) -> str:
    """Why no game of its shape comes to what is broken; empty where games do."""
    shape = _shape(one.shape)
    transport = found(shape, ANYWHERE)
    if isinstance(transport, Unavailable):
        return _told(transport)
    if WAITERS[shape.waiter].in_memory and shape.runtime == PYTHON and not futex.ORDERED:
        return f"{one.file} is for machines whose stores stay in order (transports/sync/futex.py)"
    return ""


def broken(one: breaks.Break, seed: int) -> str:
    """Whether the games of its shape find it. Raises: AssertionError where they do not."""
    reason = breaks.lacking(one) or unplayed(one)
    if reason:
        return f"not here: {reason}"
    began = time.monotonic()
    said = breaks.played(one, "tests.soak.rings", one.shape, str(seed))
    assert said.startswith("found"), f"{one.name} goes unnoticed: {said}"
    return f"{said} after {time.monotonic() - began:.1f} s"


def trials(seed: int) -> Iterator[Trial]:
    for shape in shapes():
        for number in range(TRIALS):
            yield Trial(
                f"rings/{shape.name}/{number}", partial(games, shape, f"{seed}/{number}", GAMES)
            )
    for name, kind in WAITERS.items():
        if kind.in_memory:
            yield Trial(f"rings/{name}{LONG_WAY}", partial(long_way, name, seed))
    for one in breaks.RINGS:
        yield Trial(f"rings/broken/{one.name}", partial(broken, one, seed))
