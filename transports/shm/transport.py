"""Transports over shared memory: a segment kind times a waiter kind, with a ring over both."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, replace
from functools import cached_property

from ipcbench.transports.base import check_spec
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
    Lifetime,
    Limit,
    Limits,
    Need,
    PeerDeath,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.native import built
from ipcbench.transports.segments.protocol import SegmentKind
from ipcbench.transports.shm.channel import ShmChannel
from ipcbench.transports.shm.counted_ring import DEFAULT_DEPTHS
from ipcbench.transports.shm.endpoint import LANES, InPlaceEndpoint, ShmEndpoint
from ipcbench.transports.shm.kinds import IN_HUGE_PAGES, SEGMENTS, WAITERS
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.shm.native_endpoint import MOST_SLOTS, AtomicEndpoint
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.futex import MOST_WORDS, FutexWords
from ipcbench.transports.sync.waiter import WaiterKind

HUGE, IN_PLACE = "/huge", "/in-place"

SEVERAL = (Topology.LINK, Topology.FAN_IN, Topology.HUB)

_LASTING = (Lifetime.PROCESS, Lifetime.KERNEL, Lifetime.FILE_SYSTEM)  # the longest one counts
_SLOTS = 2 * DEFAULT_DEPTHS[0]  # of a link: both directions, at the smallest default depth
_SPARE = 4096  # bytes for each slot, for lengths and rounding


@dataclass(frozen=True)
class Shm:
    """The transport of a segment kind and a waiter kind."""

    segment: SegmentKind
    waiter: WaiterKind
    huge: bool = False  # the segment is of huge pages
    in_place: bool = False

    @property
    def name(self) -> str:
        options = (HUGE if self.huge else "") + (IN_PLACE if self.in_place else "")
        return f"shm:{self.segment.name}+{self.waiter.name}{options}"

    @cached_property
    def traits(self) -> Traits:
        segment, waiter = self.segment, self.waiter
        by_name = segment.sharing is waiter.sharing is Sharing.NAME
        return Traits(
            family=Family.SHARED_MEMORY,
            framing=Framing.MESSAGE,
            topologies=frozenset({Topology.LINK} if self.in_place else SEVERAL),
            peer_death=PeerDeath.SILENT,
            sharing=Sharing.NAME if by_name else Sharing.DESCRIPTORS,
            lifetime=max(segment.lifetime, waiter.lifetime, key=_LASTING.index),
            waiting=waiter.waiting,
            pollable=waiter.pollable,
            copies=1 if self.in_place else 2,  # into the slot, and out of it
            unlink_early=waiter.unlink_early,
            depth=True,
            batch=isinstance(waiter, FutexWords),
            # The sender notifies the receiver of a message, the receiver the sender of a free
            # slot; a word ring writes words, and wakes only sleeping processes: futex(2).
            signals=0 if isinstance(waiter, FutexWords) else 2,
            in_place=self.in_place,
            native=True,
            native_differs=isinstance(waiter, FutexWords) and futex.ORDERED,
        )

    def probe(self) -> Limits | Unavailable:
        found = self.segment.probe() or self.waiter.probe() or self._limits()
        return replace(found, several=self._several()) if isinstance(found, Limits) else found

    def _several(self) -> Unavailable | None:
        """Return the reason why Python cannot receive from several processes here, or None."""
        if isinstance(self.waiter, FutexWords):
            return self.waiter.for_several()
        return None if futex.ORDERED else _unordered()

    def _limits(self) -> Limits | Unavailable:
        capacity = self.segment.capacity()
        if isinstance(capacity, Unavailable):
            return capacity
        return Limits(
            message=Limit(
                "message",
                None if capacity.value is None else max(0, capacity.value // _SLOTS - _SPARE),
                capacity.source,
                capacity.remedy,
                lambda need: capacity.remedy_for(self._segment_of(need)),
            ),
            others=(capacity,),
        )

    def _segment_of(self, need: Need) -> Need:
        """Return the bytes of a channel's segment for these messages."""
        spec = Spec(size=need.size, topology=need.topology, parties=need.parties, depth=need.depth)
        admitted = _SLOTS * (need.size + _SPARE)  # what `_limits` asks for
        return Need(max(Layout.of(spec, self.waiter).size, admitted))

    def create(self, spec: Spec) -> ShmChannel:
        limits = self._limits()
        if isinstance(limits, Unavailable):
            raise limits
        check_spec(self, spec, limits.message.value)
        layout = Layout.of(spec, self.waiter)
        self._check_room(layout, limits)
        if layout.atomic:
            self._check_atomic(layout)
        elif spec.parties > 2 and not spec.native:
            reason = self._several()
            if reason is not None:
                raise reason
            if isinstance(self.waiter, FutexWords) and spec.parties - 1 > MOST_WORDS:
                raise Unavailable(f"one process can wait for {MOST_WORDS} words at most")
        return ShmChannel(self.segment, self.waiter, layout)

    def _check_room(self, layout: Layout, limits: Limits) -> None:
        """Check that the segment fits: a larger one would end in a kill. Raises: Unavailable."""
        (capacity,) = limits.others
        if capacity.value is not None and layout.size > capacity.value:
            raise Unavailable(
                f"a segment of {layout.size} bytes is more than {capacity.value} "
                f"({capacity.source})",
                capacity.remedy_for(Need(layout.size)),
            )

    def _check_atomic(self, layout: Layout) -> None:
        """Check the needs of word rings. Raises: Unavailable."""
        reason = self.waiter.probe() or built()
        if reason is not None:
            raise reason
        if layout.depth >= MOST_SLOTS:
            raise Unavailable(
                f"depth {layout.depth}: a word ring has fewer than {MOST_SLOTS} slots"
            )

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if Layout.of(ticket.spec, self.waiter, ticket.data["depth"]).atomic:
            assert isinstance(self.waiter, FutexWords)
            return AtomicEndpoint(self.segment, self.waiter, ticket, in_place=self.in_place)
        make = InPlaceEndpoint if self.in_place else ShmEndpoint
        return make(self.segment, self.waiter, ticket)


def _unordered() -> Unavailable:
    """Return the reason why Python cannot receive from several lanes of counted rings here.

    A consumer of several lanes may see the count of a lane before that lane's own slot is
    counted: that needs a fence, which native/counted_ring.h has and Python lacks.
    """
    return Unavailable(
        f"{LANES}, and this is {platform.machine()}", "measure it natively: --runtime native"
    )


def shm(parameters: str) -> Shm:
    """Make the transport of a segment and a waiter: `posix+posix-sem`, `sysv+futex/huge/in-place`.

    Raises: ValueError for an unknown kind.
    """
    found = re.fullmatch(r"([a-z-]+)\+([a-z-]+)((?:/huge|/in-place)*)", parameters)
    if found is None or found[1] not in SEGMENTS or found[2] not in WAITERS:
        raise ValueError(
            f"no shared memory {parameters!r}: segments are {', '.join(SEGMENTS)}, "
            f"waiters are {', '.join(WAITERS)}; write shm:SEGMENT+WAITER or "
            f"shm:SEGMENT+WAITER{IN_PLACE}, and {HUGE} before that for huge pages"
        )
    huge, in_place = HUGE in found[3], IN_PLACE in found[3]
    if huge and found[1] not in IN_HUGE_PAGES:
        raise ValueError(
            f"no shared memory {parameters!r}: a segment {found[1]} cannot be of huge pages, "
            f"only {' and '.join(IN_HUGE_PAGES)} can"
        )
    segment = (IN_HUGE_PAGES if huge else SEGMENTS)[found[1]]
    made = Shm(segment, WAITERS[found[2]], huge=huge, in_place=in_place)
    if made.name != f"shm:{parameters}":  # each transport has one name, by which results are found
        raise ValueError(f"no shared memory {parameters!r}: write {made.name}")
    return made


def product() -> list[str]:
    """List the names of all pairs, with all options."""
    return [
        f"shm:{one}+{other}{pages}{way}"
        for one in SEGMENTS
        for other in WAITERS
        for pages in (("", HUGE) if one in IN_HUGE_PAGES else ("",))
        for way in ("", IN_PLACE)
    ]
