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
    Wait,
)
from ipcbench.transports.native import built
from ipcbench.transports.segments.protocol import SegmentKind
from ipcbench.transports.shm.channel import Layout, ShmChannel
from ipcbench.transports.shm.counted_endpoint import LANES, CountedEndpoint
from ipcbench.transports.shm.counted_layout import CountedLayout
from ipcbench.transports.shm.endpoint import RingEndpoint
from ipcbench.transports.shm.kinds import ALIASES, IN_HUGE_PAGES, SEGMENTS, WAITERS
from ipcbench.transports.shm.layout import FEWEST_LARGE, RingLayout, Seats
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.futex import FUTEX
from ipcbench.transports.sync.waiter import WaiterKind

HUGE, IN_PLACE = "/huge", "/in-place"

SEVERAL = (Topology.LINK, Topology.FAN_IN, Topology.HUB)

_LASTING = (Lifetime.PROCESS, Lifetime.KERNEL, Lifetime.FILE_SYSTEM)  # the longest one counts
_SLOTS = 2 * FEWEST_LARGE  # of a link: both directions, at the smallest default depth
_SPARE = 4096  # bytes for each slot, for lengths and rounding


@dataclass(frozen=True)
class Shm:
    """The transport of a segment kind and a waiter kind."""

    segment: SegmentKind
    waiter: WaiterKind
    huge: bool = False  # the segment is of huge pages
    in_place: bool = False
    wait: Wait | None = None  # an alias: its ends wait in this one way

    @property
    def name(self) -> str:
        options = (HUGE if self.huge else "") + (IN_PLACE if self.in_place else "")
        waiter = self.waiter.name if self.wait is None else self.wait.value
        return f"shm:{self.segment.name}+{waiter}{options}"

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
            waiting=self.wait or waiter.waiting,
            pollable=waiter.pollable,
            spins=self.wait is None and (waiter.nonblocking or not waiter.counted),
            copies=1 if self.in_place else 2,  # into the slot, and out of it
            unlink_early=waiter.unlink_early,
            depth=True,
            batch=not waiter.counted,
            # A counted ring notifies the receiver of each message, and the sender of each free
            # slot. A doorbell wakes only a process that sleeps.
            signals=2 if waiter.counted else 0,
            in_place=self.in_place,
            native=True,
        )

    def probe(self) -> Limits | Unavailable:
        found = self.segment.probe() or self.waiter.probe() or self._ordered() or self._limits()
        return replace(found, several=self._several()) if isinstance(found, Limits) else found

    def _ordered(self) -> Unavailable | None:
        """Return the reason why a ring without counts cannot work here, or None."""
        return None if self.waiter.counted or futex.ORDERED else futex.atomics()

    def _several(self) -> Unavailable | None:
        """Return the reason why Python cannot receive from several processes here, or None."""
        return _unordered() if self.waiter.counted and not futex.ORDERED else None

    def _layout(self, spec: Spec) -> Layout:
        seats = Seats.of(spec)
        return CountedLayout(seats) if self.waiter.counted else RingLayout(seats)

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
        return Need(max(self._layout(spec).size, admitted))

    def create(self, spec: Spec) -> ShmChannel:
        limits = self._limits()
        if isinstance(limits, Unavailable):
            raise limits
        check_spec(self, spec, limits.message.value)
        if self.wait is not None:
            spec = replace(spec, wait=self.wait)
        layout = self._layout(spec)
        self._check_room(layout, limits)
        reason = self._unable(spec)
        if reason is not None:
            raise reason
        return ShmChannel(self.segment, self.waiter, layout)

    def _unable(self, spec: Spec) -> Unavailable | None:
        """Return the reason why ends of these channels cannot work here, or None."""
        if self.waiter.counted:
            return self._several() if spec.parties > 2 and not spec.native else None
        reason = self.waiter.probe() if self.waiter.in_memory else None
        return reason or (None if futex.ORDERED and not spec.native else built())

    def _check_room(self, layout: Layout, limits: Limits) -> None:
        """Check that the segment fits: a larger one would end in a kill. Raises: Unavailable."""
        (capacity,) = limits.others
        if capacity.value is not None and layout.size > capacity.value:
            raise Unavailable(
                f"a segment of {layout.size} bytes is more than {capacity.value} "
                f"({capacity.source})",
                capacity.remedy_for(Need(layout.size)),
            )

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if self.waiter.counted:
            return CountedEndpoint(self.segment, self.waiter, ticket)
        return RingEndpoint(self.segment, self.waiter, ticket, lends=self.in_place)


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
    if found is None or found[1] not in SEGMENTS or found[2] not in (*WAITERS, *ALIASES):
        raise ValueError(
            f"no shared memory {parameters!r}: segments are {', '.join(SEGMENTS)}, "
            f"waiters are {', '.join((*WAITERS, *ALIASES))}; write shm:SEGMENT+WAITER or "
            f"shm:SEGMENT+WAITER{IN_PLACE}, and {HUGE} before that for huge pages"
        )
    huge, in_place = HUGE in found[3], IN_PLACE in found[3]
    if huge and found[1] not in IN_HUGE_PAGES:
        raise ValueError(
            f"no shared memory {parameters!r}: a segment {found[1]} cannot be of huge pages, "
            f"only {' and '.join(IN_HUGE_PAGES)} can"
        )
    waiter, wait = WAITERS.get(found[2], FUTEX), ALIASES.get(found[2])
    if in_place and waiter.counted:
        raise ValueError(
            f"no shared memory {parameters!r}: a counted ring is not read in place; "
            f"write shm:{found[1]}+{found[2].removesuffix('-counted')}{IN_PLACE}"
        )
    segment = (IN_HUGE_PAGES if huge else SEGMENTS)[found[1]]
    made = Shm(segment, waiter, huge=huge, in_place=in_place, wait=wait)
    if made.name != f"shm:{parameters}":  # each transport has one name, by which results are found
        raise ValueError(f"no shared memory {parameters!r}: write {made.name}")
    return made


def product() -> list[str]:
    """List the names of all pairs, with all options."""
    return [
        f"shm:{one}+{other}{pages}{way}"
        for one in SEGMENTS
        for other in (*WAITERS, *ALIASES)
        for pages in (("", HUGE) if one in IN_HUGE_PAGES else ("",))
        for way in (("",) if other in WAITERS and WAITERS[other].counted else ("", IN_PLACE))
    ]
