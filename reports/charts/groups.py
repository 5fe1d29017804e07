"""Groups of transports that one panel can show, and the best of the others.

A shared-memory transport is named `shm:SEGMENT+WAITER`: where there are many,
one panel varies the waiter and another the segment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ipcbench.bench.results.axes import FAMILIES
from ipcbench.reports.charts.bodies.curves import CROWDED
from ipcbench.reports.model import Measured, grouped, rank
from ipcbench.reports.names import memory_name, waiter_name


class Group(NamedTuple):
    """The cells of one panel. `short`: a facility's name without what the title says already."""

    title: str
    family: str
    members: list[Measured]
    short: Callable[[str], str]


def by_family(cells: Iterable[Measured]) -> list[Group]:
    """Group cells by family, at most `CROWDED` curves in a group; the floor is left out."""
    families = grouped((one for one in cells if one.carries_data), lambda one: one.facts.family)
    found = []
    for family in sorted(families, key=lambda one: rank(FAMILIES, one)):
        found += _of_family(family, families[family])
    return found


def _of_family(family: str, members: list[Measured]) -> list[Group]:
    names = {one.cell.transport for one in members}
    parts = {name: (segment, waiter) for name in names if (segment := segment_of(name)) is not None
             for waiter in [_waiter(name)]}  # fmt: skip
    if len({segment for segment, _ in parts.values()}) < 2 or len(parts) < 4:
        return _chunks(family, family, members, str)
    segment, waiter = _most(part[0] for part in parts.values()), _most(w for _, w in parts.values())
    varied = [one for one in members if parts.get(one.cell.transport, ("", ""))[0] == segment]
    same_waiter = [one for one in members if parts.get(one.cell.transport, ("", ""))[1] == waiter]
    known = {one.cell.transport for one in varied + same_waiter}
    others = [one for one in members if one.cell.transport not in known]
    return [
        *_chunks(f"{memory_name(segment)}: each waiter", family, varied, _without_memory),
        *_chunks(
            f"{family} + {waiter_name(waiter)}: each segment", family, same_waiter, _without_waiter
        ),
        *_chunks(f"{family}: others", family, others, str),
    ]


def segment_of(name: str) -> str | None:
    """Cut `shm:posix+futex/in-place` down to `shm:posix`; None for a name of another form."""
    head, plus, _ = name.partition("+")
    return head if plus and ":" in head else None


def memory(name: str) -> str:
    """Cut the waiter out of a name: `shm:memfd+futex/huge` -> `shm:memfd/huge`."""
    head, _, rest = name.partition("+")
    return head + rest[rest.find("/") :] if "/" in rest else head


def _waiter(name: str) -> str:
    return name.partition("+")[2].partition("/")[0]


def _without_memory(name: str) -> str:
    """Cut `shared memory + futex, in place` down to `futex, in place`."""
    return name.partition(" + ")[2] or name


def _without_waiter(name: str) -> str:
    """Cut `shared memory + futex, in place` down to `shared memory, in place`."""
    head, _, rest = name.partition(" + ")
    _, comma, more = rest.partition(",")
    return head + comma + more


def _most(names: Iterable[str]) -> str:
    return min(Counter(names).items(), key=lambda item: (-item[1], item[0]))[0]


def _chunks(
    title: str, family: str, members: Sequence[Measured], short: Callable[[str], str]
) -> list[Group]:
    curves = grouped(sorted(members, key=lambda one: one.curve_order), lambda one: one.curve_key)
    keys = list(curves)
    starts = range(0, len(keys), CROWDED)
    return [
        Group(
            title if start == 0 else f"{title} ({start // CROWDED + 1})",
            family,
            [one for key in keys[start : start + CROWDED] for one in curves[key]],
            short,
        )
        for start in starts
    ]


def foremost(cells: Sequence[Measured], most: int) -> list[Measured]:
    """Choose the fastest of each family, then the next ones; in the order of curves."""
    by_time = sorted(cells, key=lambda one: one.interval.median)
    families = grouped(by_time, lambda one: one.facts.family)
    ranked = sorted(
        (place, one.interval.median, one.cell.id)
        for members in families.values()
        for place, one in enumerate(members)
    )
    kept = {name for _, _, name in ranked[:most]}
    return sorted((one for one in cells if one.cell.id in kept), key=lambda one: one.curve_order)


def best_at(cells: Iterable[Measured], x: Callable[[Measured], int]) -> list[Measured]:
    """Choose the fastest cell by median at each x, ascending."""
    found: dict[int, Measured] = {}
    for one in cells:
        known = found.setdefault(x(one), one)
        if one.interval.median < known.interval.median:
            found[x(one)] = one
    return [found[value] for value in sorted(found)]
