"""Planner: turns axes into cells, each measured or skipped with its reason. Pure.

The same profile on the same machine gives the same plan, cell by cell, in
the same order; `digest` identifies it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product

import msgspec

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.payloads.pool import buffers_of
from ipcbench.bench.patterns.part import kind_of
from ipcbench.bench.patterns.table import PATTERNS, pattern_of
from ipcbench.bench.plan.depth import depth_of
from ipcbench.bench.plan.memory import lack
from ipcbench.bench.plan.placement import Impossible, Site, place
from ipcbench.bench.plan.profile import Axes, BadConfig
from ipcbench.bench.plan.refusals import Skip, counts_looks, first_refusal
from ipcbench.bench.results.axes import BLOCK, CROSS_CORE, PYTHON
from ipcbench.bench.results.cell import MOST_CELLS, Cell, Facts, present_name
from ipcbench.transports.contract import Framing, Limits, Need, Topology, Traits, Unavailable
from ipcbench.transports.registry import meaning

# Why a transport without a topology cannot do the patterns that need it.
_NEEDS = {
    Topology.LINK: "it does not connect two processes both ways",
    Topology.FAN_IN: "several senders cannot share a channel of it",
    Topology.FAN_OUT: "several receivers cannot share a channel of it",
    Topology.HUB: "several clients cannot share a channel of it to one server",
    Topology.SIGNAL: "a process cannot wake another one by it",
    Topology.GUARD: "processes cannot exclude each other by it",
    Topology.FILE: "it is no way of access to a file",
    Topology.NEWEST: "it does not keep the newest value for several readers",
}


# Axis of a cell that is mostly at its default -> its name in a table of axes.
_OTHERS = {
    "depth": "depths",
    "wait": "waits",
    "looks": "looks",
    "batch": "batches",
    "payload": "payloads",
    "pace": "paces",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transport as the planner sees it: its traits, and the result of `probe`.

    `native`: the reason why no compiled loop can drive it on this machine, or None. `to_itself`:
    finds the reason why one process cannot send a cell's messages to itself, or None.
    """

    name: str
    traits: Traits | None  # None: a plug-in that does not load
    found: Limits | Unavailable
    native: Unavailable | None = None
    to_itself: Callable[[Cell], Unavailable | None] = lambda cell: None


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell that is measured.

    `cpus`: for each process, the CPUs that it may use. `tasks`: those that it serves.
    """

    cell: Cell
    facts: Facts
    cpus: list[list[int]]
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of a sweep: measured, and skipped with the reason."""

    cells: list[PlannedCell]
    skipped: list[tuple[Cell, Skip]]

    def digest(self) -> str:
        """Identify the measured cells and the CPUs of their processes."""
        text = msgspec.json.encode([(planned.cell, planned.cpus) for planned in self.cells])
        return hashlib.sha256(text).hexdigest()[:16]

    def all_cells(self) -> list[Cell]:
        """Return the cells, measured and skipped."""
        return [*(planned.cell for planned in self.cells), *(cell for cell, _ in self.skipped)]

    def only(self, wanted: Callable[[Cell], bool]) -> Plan:
        """Return the part of the plan that is wanted."""
        return Plan(
            [planned for planned in self.cells if wanted(planned.cell)],
            [(cell, why) for cell, why in self.skipped if wanted(cell)],
        )

    def serving(self, tasks: Collection[str]) -> Plan:
        """Return the cells that serve these tasks, and no others, with controls beside them."""
        own = {one.cell.id for one in self.cells if not {*tasks}.isdisjoint(one.tasks)}
        kept = own | self.controls_for(own)
        return Plan(
            [
                replace(one, tasks=tuple(task for task in one.tasks if task in tasks))
                for one in self.cells
                if one.cell.id in kept
            ],
            [],
        )

    def controls_for(self, wanted: Collection[str]) -> set[str]:
        """Return the ids of controls at the placements of the wanted cells, and their originals."""
        cells = [planned.cell for planned in self.cells]
        placements = {cell.placement for cell in cells if cell.id in wanted}
        controls = [cell for cell in cells if cell.is_control and cell.placement in placements]
        return {identity for one in controls for identity in (one.id, one.original.id)}


def plan(cells: Iterable[Cell], candidate: Callable[[str], Candidate], site: Site) -> Plan:
    """Plan each cell once, in the order given; drop a control without its original."""
    planned: dict[str, PlannedCell] = {}
    skipped: dict[str, tuple[Cell, Skip]] = {}
    for asked in cells:
        found = candidate(asked.transport)
        cell = in_its_own_way(asked, found)
        if cell.id in planned or cell.id in skipped:
            continue
        if not _meant(cell, found):
            continue
        admitted = _admit(cell, found, site)
        if isinstance(admitted, PlannedCell):
            planned[cell.id] = admitted
        else:
            skipped[cell.id] = cell, admitted
    unpaired = [
        identity
        for identity, one in planned.items()
        if one.cell.is_control and one.cell.original.id not in planned
    ]
    for identity in unpaired:
        del planned[identity]
    return Plan(
        list(planned.values()), [skip for skip in skipped.values() if not skip[0].is_control]
    )


def cells_of(axes: Iterable[Axes], names: Callable[[str], Iterable[str]]) -> Iterator[Cell]:
    """Yield the products of the axes; `names` returns the transports that match a name.

    Raises: BadConfig if there are too many, and the exceptions of `names`.
    """
    left = MOST_CELLS
    for one in axes:
        patterns = dict.fromkeys(one.transports)
        transports = [name for pattern in patterns for name in names(pattern)]
        for pattern, size, processes, placement, runtime, transport, *values in product(
            one.patterns,
            one.sizes,
            one.processes,
            one.placements,
            one.runtimes,
            dict.fromkeys(transports),
            *(getattr(one, axis) for axis in _OTHERS.values()),
        ):
            others = dict(zip(_OTHERS, values, strict=True))
            present, others["wait"] = present_name(transport, others["wait"])
            if meaning(present)[0] != present and transport not in one.transports:
                continue  # `shm:*` means no alias that waits in another way than is asked for
            left -= 1
            if left < 0:
                raise BadConfig(f"over {MOST_CELLS} cells: ask for fewer sizes or transports")
            yield Cell(
                transport=present,
                pattern=pattern,
                size=size if PATTERNS[pattern].sized else 0,
                processes=processes,
                placement=placement,
                runtime=runtime,
                twin=one.twin,
                slowed=one.slowed,
                **others,
            )


def in_its_own_way(cell: Cell, candidate: Candidate) -> Cell:
    """Ask for the transport's own way of waiting by one name, so that it is measured once."""
    own = candidate.traits is not None and cell.wait == candidate.traits.waiting.value
    return msgspec.structs.replace(cell, wait=BLOCK) if own else cell


def _meant(cell: Cell, candidate: Candidate) -> bool:
    """Tell whether a cell makes sense; one that does not is left out without a word.

    The axis `*` names all transports: no semaphore is meant for a pattern that sends bytes, and
    nothing but ways of access to a file, or to a newest value, for one that reads these. Of
    several ways of waiting, looks are meant for `spin-block` alone. A process that uses no
    channel has the transport `null`.
    """
    if cell.looks is not None and not counts_looks(cell, candidate.traits):
        return False
    kinds, pattern = kinds_of(candidate), PATTERNS[cell.pattern]
    if kinds is None or candidate.traits is None:
        return True
    meant = pattern.kind in kinds or not kinds  # what is good for nothing is refused by its name
    return meant and not (pattern.alone and candidate.traits.carries)


def kinds_of(candidate: Candidate) -> frozenset[str] | None:
    """Return what a transport can be used for (`kind_of`); None: a plug-in that does not load."""
    traits = candidate.traits
    return None if traits is None else frozenset(map(kind_of, traits.topologies))


def _admit(cell: Cell, candidate: Candidate, site: Site) -> PlannedCell | Skip:
    """Plan a cell, or skip it with the reason."""
    if isinstance(candidate.found, Unavailable):
        return Skip(candidate.found.reason, candidate.found.remedy)
    traits, limits = candidate.traits, candidate.found
    assert traits is not None  # only an unavailable transport has none
    skip = (
        _processes(cell, traits, limits)
        or first_refusal(cell, traits)
        or _runtime(cell, candidate, traits)
        or _size(cell, traits, limits)
        or _depth(cell, traits, limits, site.cache)
    )
    if skip is not None:
        return skip
    lacking = lack(cell, traits, site.memory, site.cache)
    if lacking is not None:
        return Skip(*lacking)
    cpus = place(cell.placement, cell.processes, site)
    if isinstance(cpus, Impossible):
        return Skip(cpus.reason, cpus.remedy)
    skip = _own_cpus(cell, cpus) or _to_itself(cell, candidate)
    return skip or PlannedCell(cell, _facts(cell, traits), cpus)


def _processes(cell: Cell, traits: Traits, limits: Limits) -> Skip | None:
    pattern = PATTERNS[cell.pattern]
    refusal = pattern.refuses(cell.processes)
    if refusal:
        return Skip(f"{cell.pattern} {refusal}, not {cell.processes}")
    if pattern.topology not in traits.topologies:
        return Skip(f"{cell.transport} cannot do {cell.pattern}: {_NEEDS[pattern.topology]}")
    native = cell.runtime != PYTHON
    refused = limits.refuses(pattern.topology, cell.processes, native=native)
    return None if refused is None else Skip(refused.reason, refused.remedy)


def _own_cpus(cell: Cell, cpus: Sequence[Sequence[int]]) -> Skip | None:
    """Refuse an open loop whose sender would spin on the CPU of its receiver."""
    if not PATTERNS[cell.pattern].open_loop or len({*chain(*cpus)}) >= cell.processes:
        return None
    return Skip(
        f"the sender of {cell.pattern} spins until a message is due: each process needs a CPU of "
        "its own",
        f"ask for another placement: --placement {CROSS_CORE}",
    )


def _facts(cell: Cell, traits: Traits) -> Facts:
    return Facts(
        per=PATTERNS[cell.pattern].per,
        family=traits.family.value,
        wait=traits.waiting.value if cell.wait == BLOCK else cell.wait,
        copies=_copies(cell, traits),
        framing=traits.framing.value,
        in_place=traits.in_place,
        differs=cell.runtime != PYTHON and traits.native_differs,
        signals=traits.signals,
        single=pattern_of(cell).single,
    )


def _runtime(cell: Cell, candidate: Candidate, traits: Traits) -> Skip | None:
    if cell.runtime == PYTHON:
        return None
    if not traits.native:
        return Skip(f"{cell.transport} has no native operations: only Python can measure it")
    if candidate.native is not None:
        return Skip(candidate.native.reason, candidate.native.remedy)
    seats = pattern_of(cell).seats(cell.processes)
    parts = [part for seat in seats for part in (seat.part, seat.part.in_place) if part]
    if not all(native_loops.has_twin(part.loop) for part in parts):
        return Skip(f"{cell.pattern} has no loops in C: only Python can measure it")
    return None


def _copies(cell: Cell, traits: Traits) -> int:
    """Count the copies; the messages of a batch are laid side by side before they are written."""
    fewer = None if cell.runtime == PYTHON else traits.native_copies
    laid = cell.batch > 1 and traits.framing is Framing.STREAM
    return (traits.copies if fewer is None else fewer) + laid


def _size(cell: Cell, traits: Traits, limits: Limits) -> Skip | None:
    pattern = PATTERNS[cell.pattern]
    if cell.size < pattern.least_size:
        return Skip(f"{cell.pattern} writes numbers into each message: {pattern.least_size} bytes")
    if cell.size == 0 and not traits.zero_length:
        carried = "carries no message" if PATTERNS[cell.pattern].carries else "has no access"
        return Skip(f"{cell.transport} {carried} of 0 bytes")
    if cell.size == 0 and PATTERNS[cell.pattern].topology is Topology.FAN_OUT:
        return Skip("competing receivers are stopped by a message's first byte: 0 bytes have none")
    limit = limits.message_for(PATTERNS[cell.pattern].topology)
    if limit.value is not None and cell.size > limit.value:
        return Skip(
            f"{cell.transport} takes at most {limit.value} bytes as {limit.name} ({limit.source})",
            limit.remedy_for(_need(cell)),
        )
    return None


def _to_itself(cell: Cell, candidate: Candidate) -> Skip | None:
    refused = candidate.to_itself(cell) if PATTERNS[cell.pattern].both_ends else None
    return None if refused is None else Skip(refused.reason, refused.remedy)


def _depth(cell: Cell, traits: Traits, limits: Limits, cache: int) -> Skip | None:
    """Refuse a depth that is asked for, or buffers that are slots, beyond a transport's bound."""
    asked, limit = depth_of(cell, traits, buffers_of(cell.payload, cell.size, cache)), limits.depth
    if asked is None or limit is None or limit.value is None or asked <= limit.value:
        return None
    buffers = "" if cell.depth is not None else f", and {cell.payload} messages need {asked}"
    return Skip(
        f"{cell.transport} holds at most {limit.value} messages in a direction ({limit.source})"
        f"{buffers}",
        limit.remedy_for(replace(_need(cell), depth=asked))
        or ("ask for a smaller depth" if cell.depth is not None else "ask for larger messages"),
    )


def _need(cell: Cell) -> Need:
    pattern = PATTERNS[cell.pattern]
    parties, channels = pattern.parties(cell.processes), pattern.channels(cell.processes)
    return Need(cell.size, cell.depth, pattern.topology, parties, channels)
