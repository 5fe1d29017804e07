"""The ladder: one small round trip, by language, placement and way of waiting.

It answers why published numbers disagree: one facility takes from a tenth of a microsecond to
some tens of microseconds, and what differs is seldom said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    LATENCY,
    RUNTIMES,
    SAME_CORE,
    SPIN,
)
from ipcbench.bench.results.units import format_size, short_size
from ipcbench.reports.charts.bodies.bars import Bar, BarGroup, Bars
from ipcbench.reports.charts.captions import conditions, evidence, remark, slug
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.style import facility_style
from ipcbench.reports.charts.sections import LADDER
from ipcbench.reports.model import Measured, defaults_only, rank
from ipcbench.reports.names import display, language, place

WANTED = 64  # bytes
MOST_BARS, FEWEST_BARS = 16, 8
_WAITS = {BLOCK: "sleeping", SPIN: "spinning"}
_STEPS = (  # placement and wait, the most telling ones first
    (SAME_CORE, BLOCK),
    (CROSS_CORE_AWAKE, SPIN),
    (CROSS_CORE, SPIN),
    (CROSS_CORE, BLOCK),
    (CROSS_CORE_AWAKE, BLOCK),
)
_MEMORY = ("shm:posix+futex", "shm:posix+posix-sem")
_BRIEF = "multiprocessing.Queue"  # two bars suffice, where there are too many
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pipe", ("pipe",)),
    ("shared memory", _MEMORY),
    (_BRIEF, ("mp-queue",)),
)
_OTHERS = ("unix-stream", "tcp", "posix-queue", "sysv-queue", "mp-pipe")  # where there are few
_CAPTION = (
    "One message and its answer, between two processes: the same work at every bar. The axis is "
    "logarithmic."
)
_CPUS = {
    SAME_CORE: "one core",
    CROSS_CORE_AWAKE: "two cores awake, which never idle",
    CROSS_CORE: "two cores, which idle while a process sleeps",
}

_Step = tuple[str, str]


def ladder(cells: Sequence[Measured]) -> list[Chart]:
    """Draw the ladder; nothing where there are no two bars."""
    chosen = rungs(cells)
    every = [one for found in chosen.values() for one in found]
    if len(every) < 2:
        return []
    size = every[0].cell.size
    return [
        Chart(
            slug("ladder", format_size(size)),
            LADDER,
            f"A round trip of {short_size(size)}, in {len(every)} ways",
            conditions(every),
            f"{_CAPTION} {_differs(every)} {evidence(every, 'Bars', 'thin lines')}",
            Bars(
                Axis.SECONDS,
                "round trip",
                [BarGroup(title, _bars(found, every)) for title, found in chosen.items()],
                ("facility", "language, CPUs, wait", "round trip"),
            ),
        )
    ]


def rungs(cells: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Choose the cells of the bars, by facility."""
    trips = _small([one for one in cells if one.cell.pattern == LATENCY and one.competes])
    chosen = {title: _of_group(trips, names) for title, names in _GROUPS}
    for name in _OTHERS:
        if sum(map(len, chosen.values())) < FEWEST_BARS:
            chosen[display(name)] = _of_group(trips, (name,))
    return _bounded({title: found for title, found in chosen.items() if found})


def _small(trips: Sequence[Measured]) -> list[Measured]:
    """Select plain cells of the size nearest to the wanted one, without those read in place."""
    plain = [one for one in defaults_only(trips) if not one.facts.in_place]
    sizes = {one.cell.size for one in plain if one.cell.size}
    if not sizes:
        return []
    size = min(sizes, key=lambda each: (abs(each.bit_length() - WANTED.bit_length()), each))
    return [one for one in plain if one.cell.size == size and one.cell.processes == 2]


def _of_group(trips: Sequence[Measured], names: Sequence[str]) -> list[Measured]:
    """Select a facility's cells, one for each language and step.

    The name that sleeps in most of them comes first: bars of one group differ in nothing else.
    """
    found: dict[tuple[str, _Step], Measured] = {}
    usable = [one for one in trips if _name(one) in names and _step(one) in _STEPS]
    asleep = Counter(_name(one) for one in usable if one.wait == BLOCK)
    for one in sorted(usable, key=lambda one: (-asleep[_name(one)], rank(names, _name(one)))):
        found.setdefault((one.cell.runtime, _step(one)), one)
    for runtime, step in list(found):  # a CPU that spins never idles: one of the two suffices
        if step == (CROSS_CORE, SPIN) and (runtime, (CROSS_CORE_AWAKE, SPIN)) in found:
            del found[runtime, step]
    return list(found.values())


def _bounded(groups: Mapping[str, list[Measured]]) -> dict[str, list[Measured]]:
    """Leave out the least telling bars where there are too many."""
    every = [(title, one) for title, found in groups.items() for one in found]
    order = {title: at for at, title in enumerate(groups)}
    every.sort(key=lambda each: (_STEPS.index(_step(each[1])), order[each[0]]))
    brief = [each for each in every if each[0] == _BRIEF][2:]
    kept = [each for each in every if each not in brief or len(every) <= MOST_BARS][:MOST_BARS]
    found = {title: [one for of, one in kept if of == title] for title in groups}
    return {title: cells for title, cells in found.items() if cells}


def _name(one: Measured) -> str:
    return one.cell.present.transport


def _step(one: Measured) -> _Step:
    return one.cell.placement, one.wait


def _differs(every: Sequence[Measured]) -> str:
    """Say in what the bars differ beside the facility, and in nothing else."""
    placements = {one.cell.placement for one in every}
    parts = [
        f"the language of the loop ({' or '.join(_languages(every))})",
        f"the CPUs ({'; '.join(text for name, text in _CPUS.items() if name in placements)})",
        "whether a process that waits sleeps or spins",
    ]
    found = [text for text, several in zip(parts, _several(every), strict=True) if several]
    if not found:
        return "What differs is the facility alone."
    *others, last = found
    text = f"{', '.join(others)}, and {last}" if others else last
    return f"What differs is {text}. Two numbers without {_these(found)} are no contradiction."


def _these(found: Sequence[str]) -> str:
    return "this" if len(found) == 1 else "these"


def _languages(every: Sequence[Measured]) -> list[str]:
    return [language(one) for one in RUNTIMES if any(one == each.cell.runtime for each in every)]


def _several(every: Sequence[Measured]) -> tuple[bool, bool, bool]:
    """Tell whether the bars have several languages, placements and ways of waiting."""
    return (
        len({one.cell.runtime for one in every}) > 1,
        len({one.cell.placement for one in every}) > 1,
        len({one.wait for one in every}) > 1,
    )


def _bars(found: Sequence[Measured], every: Sequence[Measured]) -> list[Bar]:
    """Sort the bars of a group by time, and name each by its CPUs and by all that differs."""
    languages, _, waits = _several(every)
    return [
        Bar(
            ", ".join([
                *([language(one.cell.runtime)] if languages else []),
                place(one.cell.placement),
                *([_WAITS[one.wait]] if waits else []),
            ]),
            facility_style(one),
            one.interval,
            remark(one),
        )
        for one in sorted(found, key=lambda one: one.interval.median)
    ]  # fmt: skip
