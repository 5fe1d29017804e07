"""Model of the word ring (native/word_ring.h, native/futex.h), in all orders that x86 allows.

Each process is a sequence of small steps over shared words. Stores go through a store buffer,
which the machine empties at any time: on x86 a load may be executed before an earlier store
(Intel SDM 3A, 8.2.3.4). A fence or an exchange empties it first. `explore` visits all states.
It raises `Lost` for a state where no process can continue before the end, and `Torn` where a
received message is not the one sent.

Weaker machines are tested with ThreadSanitizer (test_ring_proof.py), by the rules of C.

`without` leaves out a part of the protocol, to show that the model finds its absence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


class Lost(AssertionError):
    """A process sleeps for ever although there is work."""


class Torn(AssertionError):
    """A received message is not the one sent."""


@dataclass(frozen=True)
class Ring:
    depth: int
    messages: int
    lanes: int = 1
    without: frozenset[str] = frozenset()


Words = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Side:
    """One process: its place in the program, its own counts, and its store buffer."""

    at: str
    count: int = 0
    known: int = 0
    turn: int = 0
    looked: int = 0  # lanes, in one look at all of them
    seen: int = 0  # what it loaded
    buffer: Words = ()
    taken: tuple[int, ...] = ()


@dataclass(frozen=True)
class State:
    memory: Words
    sides: tuple[Side, ...]  # the consumer, then the producers


def start(ring: Ring) -> State:
    names = ["doorbell"]
    for lane in range(ring.lanes):
        names += [f"freed{lane}", f"producer_doorbell{lane}"]
        names += [f"{what}{lane}.{slot}" for slot in range(ring.depth) for what in ("head", "byte")]
    consumer = Side("look", taken=(0,) * ring.lanes)
    producers = tuple(Side("check") for _ in range(ring.lanes))
    return State(tuple((name, 0) for name in names), (consumer, *producers))


def finished(ring: Ring, state: State) -> bool:
    consumer, *producers = state.sides
    return sum(consumer.taken) == ring.messages * ring.lanes and all(
        one.at == "done" for one in producers
    )


def _load(state: State, number: int, name: str) -> int:
    """Load a word: the process's own latest store, or memory."""
    for stored, value in reversed(state.sides[number].buffer):
        if stored == name:
            return value
    return dict(state.memory)[name]


def _moved(state: State, number: int, **changed: object) -> State:
    sides = list(state.sides)
    sides[number] = replace(sides[number], **changed)  # type: ignore[arg-type]
    return replace(state, sides=tuple(sides))


def _stored(state: State, number: int, name: str, value: int) -> State:
    return _moved(state, number, buffer=(*state.sides[number].buffer, (name, value)))


def _written(state: State, name: str, value: int) -> State:
    memory = tuple((known, value if known == name else was) for known, was in state.memory)
    return replace(state, memory=memory)


def _woken(state: State, name: str) -> State:
    """FUTEX_WAKE: wake the process that sleeps by this doorbell."""
    for number, side in enumerate(state.sides):
        if side.at == f"asleep {name}":
            return _moved(state, number, at="look" if number == 0 else "check")
    return state


def _emptied(state: State, number: int) -> State:
    """Write the oldest store of the buffer to memory."""
    (name, value), *rest = state.sides[number].buffer
    return _moved(_written(state, name, value), number, buffer=tuple(rest))


def following(ring: Ring, state: State) -> Iterator[State]:
    """Yield all states after one step of any process."""
    for number, side in enumerate(state.sides):
        if side.buffer:
            yield _emptied(state, number)
        found = _consumer(ring, state) if number == 0 else _producer(ring, state, number)
        if found is not None:
            yield found


def _wake(ring: Ring, state: State, number: int, doorbell: str, after: str) -> State | None:
    """Make a step of `ipcbench_wake`; `after` is the place behind it."""
    side = state.sides[number]
    if side.at == "fence":
        if side.buffer and "sender's fence" not in ring.without:
            return None  # it waits until its stores are in memory
        return _moved(state, number, at="glance")
    if side.at == "glance":
        seen = _load(state, number, doorbell)
        return _moved(state, number, at="exchange" if seen & 1 else after, seen=seen)
    if side.at == "exchange":
        if side.buffer:
            return None  # a locked exchange empties the buffer as well
        if dict(state.memory)[doorbell] != side.seen:
            return _moved(state, number, at=after)
        if "wake-up's change" in ring.without:
            return _moved(state, number, at="wake")
        return _moved(_written(state, doorbell, side.seen + 1), number, at="wake")
    return _woken(_moved(state, number, at=after), doorbell)  # "wake"


def _sleep(ring: Ring, state: State, number: int, doorbell: str, again: str) -> State | None:
    """Make a step of `ipcbench_sleep`; `again` is the second look."""
    side = state.sides[number]
    if side.at == "set":
        if "receiver's fence" in ring.without:  # a plain store instead of the exchange
            seen = _load(state, number, doorbell) | 1
            return _moved(_stored(state, number, doorbell, seen), number, at=again, seen=seen)
        if side.buffer:
            return None
        seen = dict(state.memory)[doorbell] | 1
        return _moved(_written(state, doorbell, seen), number, at=again, seen=seen)
    # "futex": the kernel compares memory itself, under its lock.
    if side.buffer:
        return None
    same = dict(state.memory)[doorbell] == side.seen
    woken = "look" if number == 0 else "check"
    return _moved(state, number, at=f"asleep {doorbell}" if same else woken)


def _clear(state: State, number: int, doorbell: str, after: str) -> State | None:
    """End `ipcbench_sleep` after a second look that finds something: it does not sleep."""
    if state.sides[number].buffer:
        return None
    cleared = _written(state, doorbell, dict(state.memory)[doorbell] & ~1)
    return _moved(cleared, number, at=after)


def _consumer(ring: Ring, state: State) -> State | None:
    side = state.sides[0]
    lane, at = side.turn, side.at
    if at.startswith("asleep"):
        return None
    if at in ("fence", "glance", "exchange", "wake"):
        return _wake(ring, state, 0, f"producer_doorbell{lane}", "over")
    if at == "over":
        return _moved(state, 0, at="look", turn=(lane + 1) % ring.lanes)
    if at == "clear":
        return _clear(state, 0, "doorbell", "read")
    if at in ("set", "futex"):
        again = "futex" if "second look" in ring.without else "again"
        return _sleep(ring, state, 0, "doorbell", again)
    number = side.taken[lane] + 1
    slot = f"{lane}.{(number - 1) % ring.depth}"
    if at == "read":
        if _load(state, 0, f"byte{slot}") != number:
            raise Torn(f"message {number} of lane {lane}")
        taken = tuple(n + (i == lane) for i, n in enumerate(side.taken))
        freed = _stored(state, 0, f"freed{lane}", number)
        return _moved(freed, 0, at="fence", taken=taken)
    # "look" and "again": one lane a step, and others may do anything between two of them.
    if sum(side.taken) == ring.messages * ring.lanes:
        return None
    if number <= ring.messages and _load(state, 0, f"head{slot}") == number:
        return _moved(state, 0, at="read" if at == "look" else "clear", looked=0)
    turn, looked = (lane + 1) % ring.lanes, side.looked + 1
    if looked < ring.lanes:
        return _moved(state, 0, turn=turn, looked=looked)
    return _moved(state, 0, at="set" if at == "look" else "futex", turn=turn, looked=0)


def _producer(ring: Ring, state: State, number: int) -> State | None:
    side, lane = state.sides[number], number - 1
    if side.at == "done" or side.at.startswith("asleep"):
        return None
    if side.at == "check" and side.count == ring.messages:
        return _moved(state, number, at="done")
    if side.at in ("check", "again"):
        known = side.known  # its copy, looked at anew where that says that the ring is full
        if side.at == "again" or side.count - known >= ring.depth:
            known = _load(state, number, f"freed{lane}")
        if side.count - known < ring.depth or "free slots" in ring.without:
            return _moved(state, number, at="byte" if side.at == "check" else "clear", known=known)
        return _moved(state, number, at="set" if side.at == "check" else "futex", known=known)
    if side.at == "clear":
        return _clear(state, number, f"producer_doorbell{lane}", "byte")
    if side.at in ("set", "futex"):
        return _sleep(ring, state, number, f"producer_doorbell{lane}", "again")
    slot = f"{lane}.{side.count % ring.depth}"
    if side.at == "byte":
        first = "head" if "release" in ring.without else "byte"
        return _moved(_stored(state, number, first + slot, side.count + 1), number, at="head")
    if side.at == "head":
        second = "byte" if "release" in ring.without else "head"
        stored = _stored(state, number, second + slot, side.count + 1)
        return _moved(stored, number, at="fence", count=side.count + 1)
    return _wake(ring, state, number, "doorbell", "check")


def explore(ring: Ring) -> int:
    """Visit all states; return their number. Raises: Lost, Torn."""
    first = start(ring)
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
    return len(known)
