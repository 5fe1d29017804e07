"""Many transports -> groups that one panel can carry, and who stands for the rest.

A shared-memory transport is called `shm:SEGMENT+WAITER`: with many of them,
one panel varies how they wait and another where the bytes live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ipcbench.bench.results.axes import FAMILIES
from ipcbench.reports.charts.chart import CROWDED, carries, grouped, line_key, line_order
from ipcbench.reports.model import Measured, rank


class Group(NamedTuple):
    """`short`: the part of a transport's name that the title does not say already."""

    title: str
    family: str
    members: list[Measured]
    short: Callable[[str], str]


def by_family(cells: Iterable[Measured]) -> list[Group]:
    """At most `CROWDED` lines each; the floor, which carries nothing, is in none."""
    families = grouped((one for one in cells if carries(one)), lambda one: one.facts.family)
    found = []
    for family in sorted(families, key=lambda one: rank(FAMILIES, one)):
        found += _of_family(family, families[family])
    return found


def _of_family(family: str, members: list[Measured]) -> list[Group]:
    names = {one.cell.transport for one in members}
    parts = {name: (segment, waiter) for name in names if (segment := _segment(name)) is not None
             for waiter in [_waiter(name)]}  # fmt: skip
    if len({segment for segment, _ in parts.values()}) < 2 or len(parts) < 4:
        return _chunks(family, family, members, str)
    segment, waiter = _most(part[0] for part in parts.values()), _most(w for _, w in parts.values())
    varied = [one for one in members if parts.get(one.cell.transport, ("", ""))[0] == segment]
    lying = [one for one in members if parts.get(one.cell.transport, ("", ""))[1] == waiter]
    known = {one.cell.transport for one in varied + lying}
    others = [one for one in members if one.cell.transport not in known]
    return [
        *_chunks(f"{family}: {segment}, each way of waiting", family, varied, _after("+")),
        *_chunks(f"{family}: {waiter}, each segment", family, lying, _segment_alone),
        *_chunks(f"{family}: others", family, others, _after(":")),
    ]


def _segment(name: str) -> str | None:
    """`shm:posix+futex/in-place` -> `shm:posix`; None where the name is of another form."""
    head, plus, _ = name.partition("+")
    return head if plus and ":" in head else None


def memory(name: str) -> str:
    """`shm:memfd+futex/huge` -> `shm:memfd/huge`: all of it but how its receiver waits."""
    head, _, rest = name.partition("+")
    return head + rest[rest.find("/") :] if "/" in rest else head


def _waiter(name: str) -> str:
    return name.partition("+")[2].partition("/")[0]


def _segment_alone(name: str) -> str:
    head, _, rest = name.partition("+")
    _, slash, mode = rest.partition("/")
    return head.rpartition(":")[2] + slash + mode


def _after(border: str) -> Callable[[str], str]:
    return lambda name: name.partition(border)[2] or name


def _most(names: Iterable[str]) -> str:
    return min(Counter(names).items(), key=lambda item: (-item[1], item[0]))[0]


def _chunks(
    title: str, family: str, members: Sequence[Measured], short: Callable[[str], str]
) -> list[Group]:
    lines = grouped(sorted(members, key=line_order), line_key)
    keys = list(lines)
    starts = range(0, len(keys), CROWDED)
    return [
        Group(
            title if start == 0 else f"{title} ({start // CROWDED + 1})",
            family,
            [one for key in keys[start : start + CROWDED] for one in lines[key]],
            short,
        )
        for start in starts
    ]


def best_at(cells: Iterable[Measured], x: Callable[[Measured], int]) -> list[Measured]:
    """For each x, the quickest by median, ascending."""
    found: dict[int, Measured] = {}
    for one in cells:
        known = found.setdefault(x(one), one)
        if one.interval.median < known.interval.median:
            found[x(one)] = one
    return [found[place] for place in sorted(found)]
