"""Cells of transports that are named on the command line: a comparison of exactly these.

Each one is measured in the patterns that show it usually, at a few sizes, on one core and on two.
The values of options take the place of these. The controls repeat cells of the same transports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice

import msgspec

from ipcbench.bench.patterns.table import PATTERNS, SLOWED
from ipcbench.bench.plan.options import Asked, Options, parse_options, with_options
from ipcbench.bench.plan.placement import Impossible, Site, place
from ipcbench.bench.plan.planner import Candidate, cells_of, plan
from ipcbench.bench.plan.profile import Axes, Profile
from ipcbench.bench.results.axes import (
    COUNTER,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    ECHO,
    FAN_IN,
    FAN_OUT,
    FILE,
    FILE_RANDOM,
    HOT,
    LATENCY,
    LATEST,
    SAME_CORE,
    SET_UP,
    SIGNAL,
    STREAM,
)
from ipcbench.bench.results.pace import CLOSED
from ipcbench.bench.results.records import Settings
from ipcbench.transports.contract import Topology
from ipcbench.transports.registry import meaning

NAME = "named"
ALONE = "null"  # the transport of one process alone
SETTINGS = Settings(values=2, warmups=1, block=0.0055, rounds=12, stamps=200)
SIZES = (64, 4096, 65536)  # bytes of a message
SMALL, LARGE = 64, 1 << 20  # of a channel's set-up, and of a process that uses no channel
NUMBERS = (4, 2, 1)  # processes of a pattern: the first possible
APART = (CROSS_CORE, CROSS_CORE_AWAKE)
LOADS = ("load:10", "load:50", "load:80")  # of an open loop
TWINS = 2  # transports that are measured twice
SLOWED_BY = 5  # percent

# The patterns of a transport, by the first of these topologies that it has.
_CARRYING = (
    (Topology.LINK, (LATENCY, STREAM)),
    (Topology.HUB, (ECHO,)),
    (Topology.FAN_IN, (FAN_IN,)),
    (Topology.FAN_OUT, (FAN_OUT,)),
    (Topology.NEWEST, (LATEST,)),
    (Topology.FILE, (FILE, FILE_RANDOM)),
)
# Without any of them: by all that it has.
_OTHERS = ((Topology.SIGNAL, SIGNAL), (Topology.GUARD, COUNTER))

Names = Callable[[str], Iterable[str]]
Candidates = Callable[[str], Candidate]


def settings_of_named(profile: Profile | None) -> Profile:
    """Return the settings of a profile that was asked for, or the usual ones, without cells."""
    if profile is None:
        about = "The transports that were named."
        return Profile(name=NAME, about=about, settings=SETTINGS, axes=())
    return msgspec.structs.replace(profile, axes=(), left_out=(), experiments=())


def named_profile(
    profile: Profile, options: Options, candidate: Candidates, names: Names, site: Site
) -> Profile:
    """Return a profile with the cells of the named transports. Raises: BadConfig."""
    asked = parse_options(options)
    axes: list[Axes] = []
    for words, patterns in _groups(asked, candidate, names):
        tables = tuple(_table(pattern, words, site) for pattern in patterns)
        base = msgspec.structs.replace(profile, axes=tables)
        found = with_options(base, options).axes
        axes += [*found, *_controls(found, candidate, names, site)]
    return msgspec.structs.replace(profile, axes=tuple(axes))


def patterns_of(options: Options, candidate: Candidates, names: Names) -> tuple[str, ...]:
    """Return the patterns that named transports are measured in."""
    groups = _groups(parse_options(options), candidate, names)
    return tuple(dict.fromkeys(pattern for _, patterns in groups for pattern in patterns))


def _groups(
    asked: Asked, candidate: Candidates, names: Names
) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Yield transports, by name or pattern, and what they are measured in."""
    if asked.patterns:
        yield asked.transports, tuple(dict.fromkeys(asked.patterns))
        return
    groups: dict[Sequence[str], list[str]] = {}
    for word in asked.transports:
        own: dict[Sequence[str], list[str]] = {}
        for name in names(word):
            own.setdefault(usual_patterns(candidate(name)), []).append(name)
        for patterns, found in own.items():
            # An alias that `shm:*` matches is another name of one that it matches as well.
            words = [word] if len(own) == 1 else [one for one in found if meaning(one)[0] == one]
            groups.setdefault(patterns, []).extend(words)
    for patterns, words in groups.items():
        yield tuple(words), patterns


def usual_patterns(found: Candidate) -> Sequence[str]:
    """Return the usual patterns of a transport; of one that does not load, any, for the reason."""
    topologies = {Topology.LINK} if found.traits is None else found.traits.topologies
    for topology, patterns in _CARRYING:
        if topology in topologies:
            return patterns
    return tuple(pattern for topology, pattern in _OTHERS if topology in topologies)


def _table(name: str, words: tuple[str, ...], site: Site) -> Axes:
    """Return the usual cells of a pattern."""
    pattern = PATTERNS[name]
    number = next(number for number in NUMBERS if not pattern.refuses(number))
    return Axes(
        patterns=(name,),
        sizes=_sizes(name),
        placements=APART if pattern.open_loop else _placements(number, site),
        transports=words,
        processes=(number,),
        depths=(None,),
        paces=LOADS if pattern.open_loop else (CLOSED,),
        compared=True,
    )


def _sizes(name: str) -> tuple[int, ...]:
    pattern = PATTERNS[name]
    if not pattern.sized:
        return (0,)
    if pattern.alone:
        return (LARGE,)
    return (SMALL,) if name == SET_UP else SIZES


def _placements(processes: int, site: Site) -> tuple[str, ...]:
    """Return one core and two, where both are possible; two alone for more processes."""
    apart = [
        one
        for one in (CROSS_CORE_AWAKE, CROSS_CORE)
        if not isinstance(place(one, processes, site), Impossible)
    ]
    if processes == 1 or not apart:
        return (SAME_CORE,)
    return (SAME_CORE, apart[0]) if processes == 2 else (CROSS_CORE,)


def _controls(
    tables: Sequence[Axes], candidate: Candidates, names: Names, site: Site
) -> Iterator[Axes]:
    """Yield twins of the first cells, and one of them slowed, to show what the run could see.

    An open loop has none: a twin has another capacity, and so another rate.
    """
    closed = [one for one in tables if not PATTERNS[one.patterns[0]].open_loop]
    every = dict.fromkeys(name for one in closed for word in one.transports for name in names(word))
    firsts = (_first(closed, name, candidate, names, site) for name in every)
    twins = list(islice(filter(None, firsts), TWINS))
    for alike, group in groupby(twins, lambda one: msgspec.structs.replace(one, transports=())):
        own = tuple(dict.fromkeys(name for one in group for name in one.transports))
        yield msgspec.structs.replace(alike, transports=own, twin=True)
    for one in twins[:1]:
        plain = (one.batches, one.payloads, one.paces) == ((1,), (HOT,), (CLOSED,))
        if plain and one.patterns[0] in SLOWED:
            yield msgspec.structs.replace(one, slowed=SLOWED_BY)


def _first(
    tables: Iterable[Axes], name: str, candidate: Candidates, names: Names, site: Site
) -> Axes | None:
    """Return the first values with which a transport is measured, or None: a skip shows nothing."""
    for table in tables:
        own = msgspec.structs.replace(table, transports=(name,), compared=False)
        for planned in plan(cells_of([own], names), candidate, site).cells:
            cell = planned.cell
            return msgspec.structs.replace(
                own,
                transports=(cell.transport,),
                patterns=(cell.pattern,),
                sizes=(cell.size,),
                processes=(cell.processes,),
                depths=(cell.depth,),
                waits=(cell.wait,),
                looks=(cell.looks,),
                batches=(cell.batch,),
                payloads=(cell.payload,),
                paces=(cell.pace,),
            )
    return None
