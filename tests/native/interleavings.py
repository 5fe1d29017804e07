"""Model of the ring (native/ring.h, native/doorbell.h, shm/ring.py), in all orders that x86 allows.

Each process is a sequence of small steps over shared words. Stores go through a store buffer,
which the machine empties at any time: on x86 a load may be executed before an earlier store
(Intel SDM 3A, 8.2.3.4). A fence, a locked instruction or a system call of a doorbell empties it
first. A store to the own buffer is visible to no other process, so a step may contain several of
them, before or after the one step that others can see.

A process sleeps at the word of its doorbell (futex(2)), or by a counter that holds tokens. An end
in C clears a doorbell by an exchange, an end in Python by a plain store.

`explore` visits all states. It raises `Lost` for a state where no process can continue before the
end, `Torn` where a received message is not the one sent, and `Piled` where a counter holds more
tokens than it may (`most_tokens`).

Weaker machines are tested with ThreadSanitizer (test_ring_proof.py), by the rules of C.

`without` leaves out a part of the protocol, to show that the model finds its absence (`PARTS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

C, PYTHON = "C", "Python"
WORD, COUNTER = False, True


class Lost(AssertionError):
    """A process sleeps for ever although there is work."""


class Torn(AssertionError):
    """A received message is not the one sent."""


class Piled(AssertionError):
    """A counter holds more tokens than the protocol allows."""


# A part of the protocol, and the consequence without it, at a word and by a counter. None: there
# is none. A process that sleeps at a word and does not announce anew does not sleep, but looks on.
PARTS: dict[str, tuple[type[Exception] | None, type[Exception] | None]] = {
    "sender's fence": (Lost, Lost),
    "receiver's fence": (Lost, Lost),
    "second look": (Lost, Lost),
    "comparison": (Lost, None),  # FUTEX_WAIT compares the word
    "clearing": (Lost, Piled),
    "clearing before the token": (Lost, Lost),
    "store before the bell": (Lost, Lost),
    "look after a token": (Torn, Torn),
    "announcing anew": (None, Lost),
    "token of a cleared announcement": (None, Piled),
    "lap numbers": (Torn, Torn),
    "release": (Torn, Torn),
    "free slots": (Lost, Lost),
}


@dataclass(frozen=True)
class Ring:
    """A channel to model.

    Attributes:
        depth: slots of a lane.
        messages: messages of each producer.
        counter: processes sleep by a counter, and else at the word.
        ends: the runtimes of the consumer and of the producers, a lane each.
        early: a sleep at a word may end early, once for each process: futex(2), EINTR.
        room_every: messages between two rings for room; 0: half a lap, as in the ring.
        without: parts of the protocol that are left out.
    """

    depth: int
    messages: int
    counter: bool = False
    ends: tuple[str, ...] = (C, C)
    early: bool = False
    room_every: int = 0
    without: frozenset[str] = frozenset()

    @property
    def lanes(self) -> int:
        return len(self.ends) - 1

    def rings_for_room(self, received: int) -> bool:
        """Tell whether the consumer rings after so many messages of a lane."""
        if self.room_every:
            return received % self.room_every == 0
        return received % self.depth in (0, (self.depth + 1) // 2)

    def most_tokens(self, process: int) -> int:
        """Return the most tokens that the counter of a process may hold.

        An announcement is answered once by a notifier that is alone, and once by all notifiers in
        C, whose exchange succeeds for one of them. Otherwise each notifier that saw it may add a
        token, for a message of its own, and the process takes one before it announces anew.
        """
        notifiers = self.ends[1:] if process == 0 else self.ends[:1]
        if PYTHON not in notifiers:
            return 1
        return 1 + (len(notifiers) - 1) * self.messages


class Side(NamedTuple):
    """One process: its place in the program, its own counts, and its store buffer."""

    at: str
    count: int = 0  # messages sent
    known: int = 0  # a producer's copy of `freed`
    turn: int = 0
    looked: int = 0  # lanes, in one look at all of them
    seen: int = 0  # the doorbell of another process
    early: int = 0  # sleeps that ended early
    announced: int = 0  # the value of its own doorbell that announced it; 0: it is not announced
    buffer: tuple[tuple[str, int], ...] = ()
    taken: tuple[int, ...] = ()


class State(NamedTuple):
    memory: tuple[tuple[str, int], ...]
    tokens: tuple[int, ...]
    sides: tuple[Side, ...]  # the consumer, then the producers


def start(ring: Ring) -> State:
    names = [f"bell{process}" for process in range(ring.lanes + 1)]
    for lane in range(ring.lanes):
        names += [f"freed{lane}"]
        names += [f"{what}{lane}.{slot}" for slot in range(ring.depth) for what in ("head", "byte")]
    consumer = Side("look", taken=(0,) * ring.lanes)
    producers = tuple(Side("check") for _ in range(ring.lanes))
    tokens = (0,) * (ring.lanes + 1)
    return State(tuple((name, 0) for name in names), tokens, (consumer, *producers))


def finished(ring: Ring, state: State) -> bool:
    consumer, *producers = state.sides
    return sum(consumer.taken) == ring.messages * ring.lanes and all(
        one.at == "done" for one in producers
    )


def _memory(state: State, name: str) -> int:
    for known, value in state.memory:
        if known == name:
            return value
    raise KeyError(name)


def _load(state: State, number: int, name: str) -> int:
    """Load a word: the process's own latest store, or memory."""
    for stored, value in reversed(state.sides[number].buffer):
        if stored == name:
            return value
    return _memory(state, name)


def _moved(state: State, number: int, **changed: object) -> State:
    sides = list(state.sides)
    sides[number] = sides[number]._replace(**changed)  # type: ignore[arg-type]
    return state._replace(sides=tuple(sides))


def _stored(state: State, number: int, *stores: tuple[str, int]) -> State:
    return _moved(state, number, buffer=(*state.sides[number].buffer, *stores))


def _written(state: State, name: str, value: int) -> State:
    memory = tuple((known, value if known == name else was) for known, was in state.memory)
    return state._replace(memory=memory)


def _emptied(state: State, number: int) -> State:
    """Write the oldest store of the buffer to memory."""
    (name, value), *rest = state.sides[number].buffer
    return _moved(_written(state, name, value), number, buffer=tuple(rest))


def _added(state: State, process: int, tokens: int) -> State:
    counts = tuple(n + tokens * (i == process) for i, n in enumerate(state.tokens))
    return state._replace(tokens=counts)


def following(ring: Ring, state: State) -> Iterator[State]:
    """Yield all states after one step of any process."""
    for number, side in enumerate(state.sides):
        if side.buffer:
            yield _emptied(state, number)
        found = _consumer(ring, state) if number == 0 else _producer(ring, state, number)
        if found is not None:
            yield found


def _notify(ring: Ring, state: State, number: int, other: int, after: str) -> State | None:
    """Make a step that wakes another process if it sleeps; `after` is the place behind it."""
    side, bell = state.sides[number], f"bell{other}"
    late = "clearing before the token" in ring.without
    if side.at == "fence":
        if side.buffer and "sender's fence" not in ring.without:
            return None  # it waits until its stores are in memory
        seen = _load(state, number, bell)
        if not seen & 1:
            return _moved(state, number, at=after)
        if late or ring.ends[number] == C:
            return _moved(
                state, number, at="wake" if late else "exchange", seen=0 if late else seen
            )
        return _cleared(ring, state, number, bell, "wake")
    if side.at == "clear":
        return _cleared(ring, state, number, bell, after)
    if side.buffer:
        return None  # a locked exchange, or a system call, or sem_post(3)
    if side.at == "exchange":
        if _memory(state, bell) != side.seen:
            return _moved(state, number, at=after, seen=0)
        if "clearing" in ring.without:
            return _moved(state, number, at="wake", seen=0)
        return _moved(_written(state, bell, side.seen + 1), number, at="wake", seen=0)
    return _woken(ring, _moved(state, number, at="clear" if late else after), other)


def _cleared(ring: Ring, state: State, number: int, bell: str, after: str) -> State:
    """Clear a doorbell by a plain store."""
    if "clearing" not in ring.without:
        state = _stored(state, number, (bell, 0))
    return _moved(state, number, at=after)


def _woken(ring: Ring, state: State, process: int) -> State:
    """Add a token, or wake the process that sleeps at its word: FUTEX_WAKE."""
    if ring.counter:
        return _added(state, process, 1)
    if state.sides[process].at == "asleep":
        return _moved(state, process, at="look", announced=0)
    return state


def _sleep(ring: Ring, state: State, number: int, work: str) -> State | None:
    """Make a step of a process that has no work; `work` is the place to do it."""
    side, bell = state.sides[number], f"bell{number}"
    if side.at == "announce":
        if side.announced:
            return _moved(state, number, at="sleep")
        fenced = "receiver's fence" not in ring.without
        again = "sleep" if "second look" in ring.without else "fenced" if fenced else "again"
        if ring.ends[number] == PYTHON or not fenced:  # a plain store
            value = 1 if ring.counter else _load(state, number, bell) | 1
            return _moved(_stored(state, number, (bell, value)), number, at=again, announced=value)
        if side.buffer:
            return None
        value = _memory(state, bell) | 1
        return _moved(_written(state, bell, value), number, at=again, announced=value)
    if side.buffer:
        return None  # a system call, or sem_wait(3)
    after = work if "look after a token" in ring.without else "look"
    announced = side.announced if "announcing anew" in ring.without else 0
    if not ring.counter:
        # The kernel compares memory itself, under its lock.
        same = _memory(state, bell) == side.announced or "comparison" in ring.without
        if same:
            return _moved(state, number, at="asleep")
        return _moved(state, number, at=after, announced=announced)
    if not state.tokens[number]:
        return None
    return _moved(_added(state, number, -1), number, at=after, announced=announced)


def _ended_early(ring: Ring, state: State, number: int) -> State | None:
    """End a sleep at a word that no process has ended, while its announcement is in the word."""
    early = state.sides[number].early
    if early or not ring.early:
        return None
    return _moved(state, number, at="look", announced=0, early=1)


def _found(ring: Ring, state: State, number: int, work: str) -> State:
    """Go to the work that a look has found. The announcement stands."""
    side = state.sides[number]
    if side.at == "look" or "token of a cleared announcement" not in ring.without:
        return _moved(state, number, at=work, looked=0)
    withdrawn = _stored(state, number, (f"bell{number}", 0))
    return _moved(withdrawn, number, at=work, looked=0, announced=0)


def _consumer(ring: Ring, state: State) -> State | None:
    side = state.sides[0]
    lane, at = side.turn, side.at
    if at == "asleep":
        return _ended_early(ring, state, 0)
    if at == "look" and sum(side.taken) == ring.messages * ring.lanes:
        return None
    if at in ("fence", "exchange", "clear", "wake"):
        return _turned(ring, _notify(ring, state, 0, lane + 1, "over"))
    if at in ("announce", "sleep"):
        return _sleep(ring, state, 0, "read")
    received = side.taken[lane]
    slot = f"{lane}.{received % ring.depth}"
    if at == "read":
        if _load(state, 0, f"byte{slot}") != received + 1:
            raise Torn(f"message {received + 1} of lane {lane}")
        taken = tuple(n + (i == lane) for i, n in enumerate(side.taken))
        freed = _stored(state, 0, (f"freed{lane}", received + 1))
        rings = ring.rings_for_room(received + 1)
        return _turned(ring, _moved(freed, 0, at="fence" if rings else "over", taken=taken))
    # "look", "fenced" and "again": one lane a step, and others may do anything between two.
    if at == "fenced" and side.buffer:
        return None
    head = _load(state, 0, f"head{slot}")
    if head if "lap numbers" in ring.without else head == received // ring.depth + 1:
        return _found(ring, state, 0, "read")
    turn, looked = (lane + 1) % ring.lanes, side.looked + 1
    if looked < ring.lanes:
        return _moved(state, 0, at="again" if at == "fenced" else at, turn=turn, looked=looked)
    return _moved(state, 0, at="announce" if at == "look" else "sleep", turn=turn, looked=0)


def _turned(ring: Ring, state: State | None) -> State | None:
    """Go to the next lane once a message was received."""
    if state is None or state.sides[0].at != "over":
        return state
    return _moved(state, 0, at="look", turn=(state.sides[0].turn + 1) % ring.lanes)


def _producer(ring: Ring, state: State, number: int) -> State | None:
    side, lane = state.sides[number], number - 1
    at = side.at
    if at == "done":
        return None
    if at == "asleep":
        return _ended_early(ring, state, number)
    if at in ("fence", "exchange", "clear", "wake"):
        return _notify(ring, state, number, 0, "store" if _bell_first(ring) else "check")
    if at in ("announce", "sleep"):
        return _sleep(ring, state, number, "send")
    if at == "check":
        if side.count == ring.messages:
            return _moved(state, number, at="done")
        free = side.count - side.known < ring.depth or "free slots" in ring.without
        return _moved(state, number, at="send" if free else "look")
    if at == "send":
        return (
            _moved(state, number, at="fence") if _bell_first(ring) else _sent(ring, state, number)
        )
    if at == "store":
        return _sent(ring, state, number)
    # "look", "fenced" and "again"
    if at == "fenced" and side.buffer:
        return None
    known = _load(state, number, f"freed{lane}")
    state = _moved(state, number, known=known)
    if side.count - known < ring.depth:
        return _found(ring, state, number, "send")
    return _moved(state, number, at="announce" if at == "look" else "sleep")


def _bell_first(ring: Ring) -> bool:
    return "store before the bell" in ring.without


def _sent(ring: Ring, state: State, number: int) -> State:
    """Store a message and its head; then ring."""
    count, lane = state.sides[number].count, number - 1
    slot = f"{lane}.{count % ring.depth}"
    stores = (f"byte{slot}", count + 1), (f"head{slot}", count // ring.depth + 1)
    if "release" in ring.without:
        stores = stores[1], stores[0]
    stored = _stored(state, number, *stores)
    return _moved(stored, number, at="check" if _bell_first(ring) else "fence", count=count + 1)


class Visited(NamedTuple):
    states: int
    tokens: tuple[int, ...]  # the most that the counter of each process held


def explore(ring: Ring) -> Visited:
    """Visit all states. Raises: Lost, Torn, Piled."""
    first = start(ring)
    bounds = [ring.most_tokens(process) for process in range(ring.lanes + 1)]
    most = first.tokens
    known, fresh = {first}, [first]
    while fresh:
        state = fresh.pop()
        stuck = True
        for after in following(ring, state):
            stuck = False
            if after not in known:
                known.add(after)
                fresh.append(after)
        if stuck and not finished(ring, state):
            raise Lost(f"{state}")
        if any(map(int.__gt__, state.tokens, most)):
            most = tuple(map(max, most, state.tokens))
            if any(map(int.__gt__, most, bounds)):
                raise Piled(f"{state}")
    return Visited(len(known), most)
