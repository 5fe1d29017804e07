"""State of a ring in words, for a test whose processes give no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ipcbench.transports.contract import Json
from ipcbench.transports.shm.layout import LINE_PAIR, RingLayout, slots_of
from ipcbench.transports.shm.ring import LAPS
from ipcbench.transports.sync.waiter import WaiterKind


@dataclass(frozen=True, slots=True)
class RingState:
    """The places of a ring, and the counters by which its processes sleep.

    Attributes:
        addresses: of the counters that have a name, by process.
    """

    layout: RingLayout
    kind: WaiterKind
    addresses: Mapping[int, Json]

    def describe(self, read: Callable[[int, int], bytes]) -> list[str]:
        """Describe the doorbells and the lanes; `read`: reads so many bytes from a place on."""
        return [*self._doorbells(read), *self._lanes(read)]

    def _doorbells(self, read: Callable[[int, int], bytes]) -> Iterator[str]:
        for process in range(self.layout.seats.spec.parties):
            word = int.from_bytes(read(self.layout.doorbell(process), 4), "little")
            announced = "sleep announced" if word & 1 else "no sleep announced"
            yield f"doorbell of process {process}: {word} ({announced}){self._tokens(process)}"
            place = self.layout.counter(process)
            if self.kind.in_memory and any(memory := read(place.start, place.stop - place.start)):
                yield f"  its counter: {memory.hex(' ', 8)}"

    def _tokens(self, process: int) -> str:
        """Describe the tokens of a counter that has a name."""
        address = self.addresses.get(process)
        if address is None:
            return ""
        counter = self.kind.open(address, None)
        try:
            value = getattr(counter, "value", None)
        finally:
            counter.close()
        return "" if value is None else f", tokens: {value}"

    def _lanes(self, read: Callable[[int, int], bytes]) -> Iterator[str]:
        layout, seats = self.layout, self.layout.seats
        stride, depth = slots_of(seats.spec.size).stride, seats.depth
        for lane in range(seats.lanes):
            start = layout.start(lane)
            sender, receiver = lane % seats.to_server + 1, 0
            if lane >= seats.to_server:
                sender, receiver = receiver, sender
            first = start + LINE_PAIR
            laps = [_word(read, first + slot * stride) & LAPS for slot in range(depth)]
            freed, sent = _word(read, start), sum(laps)
            waiting = sent - freed
            yield (
                f"lane {lane}, from process {sender} to {receiver}: {sent} sent, {freed} freed, "
                f"depth {depth}: {_meaning(waiting, depth, sender, receiver)}"
            )


def _word(read: Callable[[int, int], bytes], place: int) -> int:
    return int.from_bytes(read(place, 8), "little")


def _meaning(waiting: int, depth: int, sender: int, receiver: int) -> str:
    """Tell what there is to do in a lane. A sum of laps is right before their number wraps."""
    if waiting == 0:
        return "empty"
    full = f", and full for process {sender}" if waiting == depth else ""
    return f"{waiting} for process {receiver} to receive{full}"
