"""Contests of a sweep: the matches of each task, in each situation that has both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.decisions.match import Match, meetings
from ipcbench.bench.decisions.situation import Situation, situation_of
from ipcbench.bench.decisions.tasks import TASKS, Task, competes
from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE_AWAKE,
    HOT,
    SAME_CORE,
    SPIN,
)
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.pace import CLOSED

BAND = 0.05
WIDE_BAND = 0.2  # where idle states or the scheduler decide: 0.05 would take hundreds of rounds


def contests_of(
    cells: Iterable[tuple[Cell, Facts, Sequence[str]]],
) -> list[Contest]:
    """Return the contests of cells, given the tasks that each one serves.

    The same cells give the same contests, in the same order.
    """
    entrants: dict[str, list[tuple[Cell, Facts]]] = {name: [] for name in TASKS}
    for cell, facts, tasks in cells:
        for name in tasks:
            if name in entrants and competes(cell, facts):
                entrants[name].append((cell, facts))
    found: dict[str, Contest] = {}
    for name, members in entrants.items():
        for match in _matches(TASKS[name], members):
            for contest in _of_match(TASKS[name], match, members):
                found.setdefault(contest.id, contest)
    return list(found.values())


def _matches(task: Task, members: Iterable[tuple[Cell, Facts]]) -> Iterator[Match]:
    for match in task.matches:
        if match.pairwise:
            yield from meetings(match, (cell for cell, _ in members))
        else:
            yield match


def family_of(task: str, situation: Situation) -> str:
    """Name the contests that are corrected together; a crossed runtime is no part of it."""
    return "/".join(filter(None, (task, situation.runtime, situation.placement)))


def band_of(situation: Situation) -> float:
    """Return the relative difference up to which the sides of a contest are equal."""
    alone = situation.placement in (SAME_CORE, CROSS_CORE_AWAKE) or situation.wait == SPIN
    quiet = alone and situation.pace == CLOSED and situation.processes <= 2
    return BAND if quiet else WIDE_BAND


def _of_match(task: Task, match: Match, members: Iterable[tuple[Cell, Facts]]) -> Iterable[Contest]:
    met: dict[tuple[Situation, str], _Met] = {}
    for cell, facts in members:
        own = situation_of(cell, facts)
        transport = cell.present.transport if match.same_transport else ""
        both = met.setdefault((own.across(match.across), transport), _Met())
        side = _side_of(match, cell, facts, both)
        if side is not None:
            side.append(cell.id)
            both.band = max(both.band, band_of(own))
    for (situation, transport), both in met.items():
        if both.first and both.second:
            yield Contest(
                id=_name(task, match, situation, transport),
                task=task.name,
                family=family_of(task.name, situation),
                statement=match.statement,
                first=tuple(both.first),
                second=tuple(both.second),
                band=both.band,
                asks=match.asks,
            )


@dataclass(slots=True)
class _Met:
    """The cells of a match in one situation."""

    first: list[str] = field(default_factory=list)
    second: list[str] = field(default_factory=list)
    band: float = 0.0


def _side_of(match: Match, cell: Cell, facts: Facts, both: _Met) -> list[str] | None:
    if match.first.has(cell, facts):
        return both.first
    return both.second if match.second.has(cell, facts) else None


def _name(task: Task, match: Match, situation: Situation, transport: str) -> str:
    """Return `small-request: pipe or unix-stream: latency/python/64B/2p/same-core`."""
    parts = [
        situation.pattern,
        transport,
        situation.runtime,
        f"{situation.size}B",
        f"{situation.processes}p",
        situation.placement,
        "" if situation.depth is None else f"depth{situation.depth}",
        "" if situation.wait in ("", BLOCK) else f"wait-{situation.wait}",
        "" if situation.looks is None else f"looks{situation.looks}",
        "" if situation.batch == 1 else f"batch{situation.batch}",
        "" if situation.payload == HOT else situation.payload,
        "" if situation.pace == CLOSED else situation.pace.replace(":", ""),
        "in-place" if situation.in_place else "",
    ]
    sides = f"{match.first.name} or {match.second.name}"
    return f"{task.name}: {sides}: {'/'.join(filter(None, parts))}"
