"""The order of a ring's steps in Python, and the places at which a sleeping producer is woken.

Their effects are rare: a fence that is missing loses a wake-up in one of many thousand messages.
So the views of a lane and of a doorbell are replaced by ones that record each access.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from unittest.mock import patch

from ipcbench.transports.contract import WouldBlock
from ipcbench.transports.native import WaitPolicy, built, operations
from ipcbench.transports.shm import in_place, ring
from ipcbench.transports.sync import doorbell, fence
from ipcbench.transports.sync.futex import would_block
from ipcbench.transports.sync.posix_semaphore import PosixSemaphores

SIZE = 8
FENCE = ["fence", "fenced"]
LOOK = [*FENCE, "load word"]  # at a doorbell
RING = [*LOOK, "store word", "wake"]


class Recorded:
    """A view that records its loads and stores."""

    def __init__(self, name: str, values: Any, log: list[str]) -> None:
        self.name, self.values, self.log = name, values, log

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: Any) -> Any:
        self.log.append(f"load {self.name}")
        return self.values[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        given = value[:] if isinstance(value, Recorded) else value
        self.log.append(f"store {self.name}")
        self.values[place] = given


class Steps:
    """A lane of several slots and a doorbell, whose accesses are recorded."""

    def __init__(self, depth: int = 2) -> None:
        self.log: list[str] = []
        self.word = self._view("word", [0])
        self.heads = self._view("head", [0] * depth)
        slots: Any = [self._view("slot", bytearray(SIZE)) for _ in range(depth)]
        freed: Any = self._view("freed", [0])
        heads: Any = self.heads
        self.lane = ring.Lane(freed, heads, slots)
        self.fence = self._step("fence"), self._step("fenced")
        word: Any = self.word
        notify = doorbell.Notify(*self.fence, word, self._step("wake"), _unexpected)
        self.side = ring.Side(self.lane, would_block, notify)
        self.buffer = self._view("buffer", bytearray(SIZE))

    def _view(self, name: str, values: Any) -> Recorded:
        return Recorded(name, values, self.log)

    def _step(self, name: str) -> Callable[..., None]:
        return lambda *_: self.log.append(name)

    def of(self, call: Callable[..., object], *arguments: object, asleep: bool = False) -> Any:
        """Return the steps of a call; `asleep`: the other process has announced it."""
        self.word.values[0] = int(asleep)
        self.log.clear()
        call(*arguments)
        steps = [step for step in self.log if step not in ("load buffer", "store buffer")]
        cleared = self.word.values[0] == 0
        assert cleared or "wake" not in steps, "an announcement is not cleared"
        return steps


def _unexpected(error: Exception) -> None:
    raise error


def order() -> None:
    """Check the order of the steps. Raises: AssertionError."""
    _of_a_producer()
    _of_consumers()
    _of_sleepers()
    _of_a_fence()
    _of_interrupted_fences()


def _of_a_producer() -> None:
    for length in (SIZE, 3):
        for asleep, rung in ((False, LOOK), (True, RING)):
            steps = Steps()
            send, loan, commit = ring.producer(steps.side, ring.nothing)
            sent = steps.of(send, bytes(length), asleep=asleep)
            _same(sent, ["store slot", "store head", *rung])
            loan(length)
            _same(steps.of(commit, length, asleep=asleep), ["store head", *rung])


def _of_consumers() -> None:
    """Each takes two messages: in the middle of a ring of two slots, and at its end."""
    for make in (
        lambda side: ring.consumer(side)[0],
        lambda side: ring.collector([side], lambda looked: None)[0],
    ):
        for length in (SIZE, 3):
            for asleep, rung in ((False, LOOK), (True, RING)):
                steps = Steps()
                receive = make(steps.side)
                for place in range(2):
                    steps.heads.values[place] = length << ring.LAP_BITS | 1
                    taken = steps.of(receive, steps.buffer, asleep=asleep)
                    _same(taken, ["load head", "load slot", "store freed", *rung])
    steps = Steps()
    with patch.object(in_place, "_address", lambda slot: 0):
        _, peek, release, _ = in_place.in_place(steps.side)
    steps.heads.values[0] = SIZE << ring.LAP_BITS | 1
    _same(steps.of(peek), ["load head", "load slot"])
    _same(steps.of(release, asleep=True), ["store freed", *RING])


def _same(found: list[str], expected: list[str]) -> None:
    assert found == expected, f"{found}, not {expected}"


def _of_sleepers() -> None:
    """It announces, looks, sleeps, and announces anew; a token is taken for each sleep."""
    announced = ["store word", *FENCE, "load head"]
    _of_a_sleeper(_at_word, ["load word", *announced], ["sleep 1"])
    _of_a_sleeper(_by_counter, announced, ["take"])


def _of_a_sleeper(
    make: Callable[[Steps], doorbell.Pause], first: list[str], slept: list[str]
) -> None:
    steps = Steps()
    view: Any = steps.heads
    with patch.object(doorbell, "fence_calls", lambda: steps.fence):
        sleep = make(steps)

    def of(head: int, seen: int) -> list[str]:
        view.values[0] = head
        steps.log.clear()
        sleep(view, 0, seen)
        return list(steps.log)

    for _ in range(2):
        _same(of(1, 0), first)  # there is work: the announcement stands
        assert steps.word.values[0] == 1
        _same(of(1, 1), slept)
        steps.word.values[0] = 0  # a notifier has cleared it
    _same(of(0, 0), [*first, *slept])  # there is none


def _at_word(steps: Steps) -> doorbell.Pause:
    word: Any = steps.word
    wait = patch.object(
        doorbell.futex, "sleeping", lambda word: lambda seen: steps.log.append(f"sleep {seen}")
    )
    with wait:
        return doorbell._sleeping_at_word(word)


def _by_counter(steps: Steps) -> doorbell.Pause:
    word: Any = steps.word
    return doorbell._sleeping_by_counter(word, lambda: steps.log.append("take"), PosixSemaphores())


def _of_a_fence() -> None:
    """A lock that is acquired and released: locked instructions."""
    first, second = fence.fence_calls()
    lock: Any = getattr(first, "__self__", None)
    assert type(lock).__name__ == "RLock" and getattr(second, "__self__", None) is lock
    assert (first.__name__, second.__name__) == ("acquire", "release")


def _of_interrupted_fences() -> None:
    """A signal's handler raises between the two calls: the lock is released all the same."""
    for make in (
        lambda steps: partial(ring.producer(steps.side, ring.nothing)[0], bytes(SIZE)),
        lambda steps: steps.side.notify.ring,
        lambda steps: partial(_at_word(steps), steps.heads, 0, 0),
        lambda steps: partial(_by_counter(steps), steps.heads, 0, 0),
    ):
        steps: Any = Steps()
        steps.fence = partial(_interrupted, steps.log), steps.fence[1]
        steps.side = steps.side._replace(
            notify=doorbell.Notify(*steps.fence, steps.word, steps._step("wake"), _unexpected)
        )
        with patch.object(doorbell, "fence_calls", lambda fence=steps.fence: fence):
            call = make(steps)
        with suppress(KeyboardInterrupt):
            steps.of(call)
        _same(steps.log[-2:], FENCE)


def _interrupted(log: list[str]) -> None:
    log.append("fence")
    raise KeyboardInterrupt


def wakes() -> None:
    """Check where a consumer wakes the producer: in the middle and at the end of a lap.

    Also before it waits for a free slot itself. Raises: AssertionError.
    """
    _owed_in_python()
    _owed_natively()
    for depth in (1, 2, 3, 4, 5, 8):
        expected = sorted({(depth + 1) // 2, depth})
        for name, rung in (("python", _rung_in_python), ("native", _rung_natively)):
            for found in rung(depth):
                assert found == expected, f"{name}, {depth} slots: {found}, not {expected}"


def _rung_in_python(depth: int) -> Sequence[list[int]]:
    made: list[list[int]] = []
    for make in (
        lambda side: ring.consumer(side)[0],
        lambda side: ring.collector([side], lambda looked: None)[0],
        _releasing,
    ):
        steps = Steps(depth)
        with patch.object(in_place, "_address", lambda slot: 0):
            receive = make(steps.side)
        for lap in (1, 2):
            found = []
            for place in range(depth):
                steps.heads.values[place] = SIZE << ring.LAP_BITS | lap
                if "wake" in steps.of(receive, steps.buffer, asleep=True):
                    found.append(place + 1)
            made.append(found)
    return made


def _releasing(side: ring.Side) -> Any:
    _, _, release, _ = in_place.in_place(side)
    return lambda buffer: release()


def _rung_natively(depth: int) -> Sequence[list[int]]:
    """Receive with a native seat of its own messages, whose other side seems to sleep."""
    if built() is not None:
        return []
    memory, lanes = bytearray(4096), ((256, (128, None)),)
    made = []
    seat = operations.ring(
        None, memory, SIZE, depth, lanes, lanes, False, False, (0, None), WaitPolicy(looks=0)
    )
    calls, buffer = operations.Calls(seat), bytearray(SIZE)

    def release() -> None:
        calls.peek()
        calls.release()

    for receive in (
        lambda: calls.recv(buffer), lambda: calls.recv_many(buffer, 1), release
    ):  # fmt: skip
        found = []
        for place in range(depth):
            calls.send(bytes(SIZE))
            memory[128] = 1
            receive()
            if memory[128] != 1:
                found.append(place + 1)
            memory[128] = 0
        made.append(found)
    return made


def _owed_in_python() -> None:
    """A producer whose ring is full calls `ring_owed`, which rings once for slots released."""
    for make in (ring.consumer, lambda side: ring.collector([side], lambda looked: None)):
        steps = Steps(4)
        receive, *_, ring_owed = make(steps.side)
        _same(steps.of(ring_owed, asleep=True), [])
        for place in range(4):
            steps.heads.values[place] = SIZE << ring.LAP_BITS | 1
            receive(steps.buffer)
            at_edge = place in (1, 3)
            _same(steps.of(ring_owed, asleep=True), [] if at_edge else RING)
            _same(steps.of(ring_owed, asleep=True), [])
    steps = Steps(1)
    send, _, _ = ring.producer(steps.side, steps._step("ring owed"))
    assert "ring owed" not in steps.of(send, bytes(SIZE))
    with suppress(WouldBlock):
        send(bytes(SIZE))
    _same(steps.log[-2:], ["load freed", "ring owed"])


def _owed_natively() -> None:
    """A seat that released a slot of one ring finds the other one full, and must not wait."""
    if built() is not None:
        return
    depth, incoming, outgoing, bells = 4, 1024, 2048, (128, 256)
    memory = bytearray(4096)

    def seat(*lanes: tuple[tuple[tuple[int, tuple[int, None]], ...], ...]) -> Any:
        return operations.Calls(
            operations.ring(
                None, memory, SIZE, depth, *lanes, False, False, (0, None),
                WaitPolicy(looks=0, nowait=True),
            )
        )  # fmt: skip

    own = seat(((incoming, (bells[0], None)),), ((outgoing, (bells[1], None)),))
    other = seat((), ((incoming, (384, None)),))
    buffer = bytearray(SIZE)
    for _ in range(depth):
        own.send(bytes(SIZE))
        other.send(bytes(SIZE))
    for place in range(depth):
        own.recv(buffer)
        for owed in (place in (0, 2), False):
            memory[bells[0]] = 1
            with suppress(BlockingIOError):
                own.send(bytes(SIZE))
            rung = memory[bells[0]] != 1
            assert rung == owed, f"{place + 1} of {depth} slots released: rung is {rung}"
