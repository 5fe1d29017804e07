"""Recommendations: what to use for each case, in each combination that a run has measured.

A recommendation is a tier: the facilities that no other one beats by more than the band, by the
tests of tasks. It compares facilities in one situation, apart from the axes that its case crosses
on purpose, and from spinning, where the reader allows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ipcbench.bench.decisions.ranks import Standing
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.tasks import SMALL
from ipcbench.bench.results.axes import BLOCK, PAYLOADS, POLL, SPIN, SPIN_BLOCK
from ipcbench.bench.results.pace import pace_order
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.model import Measured, grouped, rank, situation_order
from ipcbench.reports.verdicts.answers import Answer, Ranking, Tier, grouped_by_task
from ipcbench.reports.verdicts.cases.case import CASES, ONE_WAY, STEADY, Case
from ipcbench.reports.verdicts.cases.choice import Choice, choice_of, rate_of
from ipcbench.reports.verdicts.cases.rates import Loaded, Room, loaded, room_of
from ipcbench.reports.verdicts.headlines import lacking
from ipcbench.reports.verdicts.trust import Trust

MOST = 1000  # recommendations
PAIR = 2  # processes of most cases
_SPINS = (SPIN, SPIN_BLOCK)
_WAITS = ("wait", "looks")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer to a case, in one combination of language, placement, size and processes.

    Attributes:
        key: the id of the case, with a suffix where it has several kinds of work.
        spin: True: processes may spin; None: the case says it, or it makes no difference.
        members: the tier, the smallest median first; none without a headline.
        avoid: the slowest that is told apart from it, or the one that the case asks about.
        measured: the facilities that were compared.
        lacks: the reason why there is no headline; "" where there is one.
        rates: messages, or other units, a second of all that were compared.
        room: the case is a rate, and this is how much of it a closed loop could carry.
        situation: what they have in common.
    """

    case: Case
    key: str
    situation: Situation
    spin: bool | None
    members: tuple[Choice, ...]
    avoid: Choice | None
    measured: int
    lacks: str
    rates: tuple[float, ...]
    room: Room | None = None

    @property
    def runtime(self) -> str:
        return self.situation.runtime

    @property
    def placement(self) -> str:
        return self.situation.placement

    @property
    def size(self) -> int:
        return self.situation.size

    @property
    def processes(self) -> int:
        return self.situation.processes

    @property
    def best(self) -> Choice:
        """The member with the smallest median; only where there is a headline."""
        return self.members[0]

    @property
    def title(self) -> str:
        return self.case.name(self.size, self.spin)

    @property
    def combination(self) -> tuple[object, ...]:
        """All that a reader can choose, and the key: no two have the same."""
        return self.key, self.runtime, self.placement, self.size, self.processes, self.spin


class _Group(NamedTuple):
    """The entrants of a case in one situation."""

    situation: Situation
    spin: bool | None
    entrants: list[Measured]


def recommendations(
    results: Results, answers: Iterable[Answer], cells: Sequence[Measured], trust: Trust
) -> list[Recommendation]:
    """Return the recommendations, in the order of cases and situations.

    `answers`: those of the run, whose tiers are not computed again.
    """
    maker = _Maker(results, answers, cells, trust)
    found = [one for case in CASES for one in maker.of(case)]
    return in_order([*found, *at_rate(found, cells)])[:MOST]


def at_rate(found: Sequence[Recommendation], cells: Iterable[Measured]) -> list[Recommendation]:
    """Answer for a steady rate, by closed loops, where no cell at that rate was measured."""
    measured = {(one.runtime, one.placement) for one in found if one.case is STEADY}
    load = loaded(cells)
    return [
        _with_room(replace(one, case=STEADY, key=STEADY.id), _room(one, load))
        for one in found
        if one.case is ONE_WAY and one.key == ONE_WAY.id and one.size < SMALL
        if (one.runtime, one.placement) not in measured
    ]


def _with_room(one: Recommendation, room: Room) -> Recommendation:
    """Add the room for a rate; without a headline, if no facility carries it."""
    if room.carry or one.lacks:
        return replace(one, room=room)
    what = f"No facility of {room.measured} carries it"
    most = f"{room.rate * room.most:,.0f} a second at most, in a closed loop"
    return replace(one, room=room, members=(), avoid=None, lacks=f"{what}: {most}")


def _room(one: Recommendation, load: Sequence[Loaded]) -> Room:
    return room_of(one.rates, one.situation, {each.transport for each in one.members}, load)


def in_order(found: Iterable[Recommendation]) -> list[Recommendation]:
    """Sort by cases; the order within a case stays."""
    return sorted(found, key=lambda one: CASES.index(one.case))


class _Maker:
    """Makes the recommendations of a run."""

    def __init__(
        self,
        results: Results,
        answers: Iterable[Answer],
        cells: Sequence[Measured],
        trust: Trust,
    ) -> None:
        self._cells = [one for one in cells if one.competes]
        self._served = grouped_by_task(results, cells)
        self._ranking, self._trust = Ranking(results, cells), trust
        self._known = {frozenset(tier.cells): tier for one in answers for tier in one.tiers}
        self._settings: Mapping[str, str] = results.header.machine.settings

    def of(self, case: Case) -> Iterator[Recommendation]:
        """Yield the recommendations of a case, each combination once."""
        able = (one for one in self._groups(case) if _answers(case, one.entrants))
        groups = sorted(able, key=lambda one: _order(case, one.situation))
        seen: set[tuple[object, ...]] = set()
        for group in groups:
            here = group.situation
            number = here.processes if case.many else 0
            place = (here.runtime, here.placement, here.size, number, group.spin)
            key = case.id if place not in seen else f"{case.id}-{_suffix(here)}"
            seen.add(place)
            yield self._one(case, key, group)

    def _groups(self, case: Case) -> Iterator[_Group]:
        served = {
            one.cell.id: one
            for name in case.tasks
            for one in self._served.get(name, ())
            if one.cell.runtime in case.runtimes and one.wait != POLL
            if not case.patterns or one.cell.pattern in case.patterns
            if "in_place" in case.crosses or not one.facts.in_place
        }
        across = (*_WAITS, *(axis for axis in case.crosses if axis not in _WAITS))
        for situation, own in grouped(
            served.values(), lambda c: c.situation.across(across)
        ).items():
            if case.fixes_wait:
                # With a core to burn, the question is about spinning: asleep, none answers it.
                if SPIN not in case.order.waits or any(one.wait in _SPINS for one in own):
                    yield _Group(situation, None, own)
                continue
            sleeping = [one for one in own if one.wait not in _SPINS]
            spinning = self._spinning(case, situation, across, own)
            if sleeping:
                yield _Group(situation, False if spinning else None, sleeping)
            if spinning:
                yield _Group(situation, True if sleeping else None, [*sleeping, *spinning])

    def _spinning(
        self, case: Case, situation: Situation, across: Sequence[str], own: Sequence[Measured]
    ) -> list[Measured]:
        """Return the cells that spin in a situation.

        A case about certain facilities has them only where each of these spins: otherwise one
        would look slow because it was measured asleep alone.
        """
        found = [
            one
            for one in self._cells
            if one.wait in _SPINS and one.situation.across(across) == situation
        ]
        names = {one.cell.present.transport for one in own}
        named = [one for one in found if one.cell.present.transport in names]
        if not case.named:
            return found
        return named if names == {one.cell.present.transport for one in named} else []

    def _one(self, case: Case, key: str, group: _Group) -> Recommendation:
        situation, spin, entrants = group
        entrants = _with_rounds(entrants)
        tier = self._tier(situation, entrants)
        members, avoid = self._told(case, tier, entrants)
        rounds = min(len(one.times) for one in entrants)
        lacks = lacking(situation.placement, rounds, self._trust)
        return Recommendation(
            case=case,
            key=key,
            situation=situation,
            spin=spin,
            members=() if lacks else members,
            avoid=None if lacks else avoid,
            measured=len(entrants),
            lacks=lacks,
            rates=tuple(rate_of(one) for one in entrants),
        )

    def _tier(self, situation: Situation, entrants: Sequence[Measured]) -> Tier | None:
        known = self._known.get(frozenset(one.cell.id for one in entrants))
        return known or self._ranking.tier(situation, entrants)

    def _told(
        self, case: Case, tier: Tier | None, entrants: Sequence[Measured]
    ) -> tuple[tuple[Choice, ...], Choice | None]:
        """Return the members of the tier, and the one to avoid."""
        if tier is None:
            only = min(entrants, key=lambda one: one.interval.median)
            return (self._choice(only, only.interval.median, entrants),), None
        members = [tier.cells[one.cell] for one in tier.members]
        members.sort(key=lambda one: (one.interval.median, one.cell.id))
        best = members[0].interval.median
        slowest = max(one.interval.median for one in members)
        out = [tier.cells[one.cell] for one in tier.found.entrants if one.standing is Standing.OUT]
        worse = [one for one in out if one.interval.median > slowest]
        if case.instead_of:
            worse = [one for one in worse if one.cell.transport == case.instead_of]
        worst = max(worse, key=lambda one: one.interval.median, default=None)
        return (
            tuple(self._choice(one, best, entrants) for one in members),
            self._choice(worst, best, entrants) if worst else None,
        )

    def _choice(self, one: Measured, best: float, entrants: Sequence[Measured]) -> Choice:
        """Return a choice; where some entrants spin, its name says if it sleeps."""
        made = choice_of(one, best, self._settings)
        mixed = one.wait == BLOCK and any(each.wait in _SPINS for each in entrants)
        return replace(made, name=f"{made.name}, sleeping") if mixed else made


def _answers(case: Case, entrants: Sequence[Measured]) -> bool:
    """Tell if some facilities answer a case: a question about certain ones takes several."""
    names = {one.cell.present.transport for one in entrants}
    if case.instead_of and case.instead_of not in names:
        return False
    return len(names) > 1 or not case.named


def _with_rounds(entrants: list[Measured]) -> list[Measured]:
    """Leave out entrants with too few rounds for a verdict; none, if all have too few."""
    return [one for one in entrants if len(one.times) >= ENOUGH_ROUNDS] or entrants


def _order(case: Case, one: Situation) -> tuple[object, ...]:
    """Return the sorting key of a case's situations: the usual work first."""
    pattern = rank(case.patterns, one.pattern)
    work = (rank(PAYLOADS, one.payload), pace_order(one.pace), one.depth or 0, one.batch)
    return pattern, one.processes if not case.many else 0, work, situation_order(one)


def _suffix(one: Situation) -> str:
    """Name a kind of work in an id: `stream`, `latency-pause1ms`."""
    parts = (
        one.pattern,
        "" if one.payload == "hot" else one.payload,
        "" if one.pace == "closed" else one.pace.replace(":", ""),
        "" if one.depth is None else f"depth{one.depth}",
        "" if one.batch == 1 else f"batch{one.batch}",
        "" if one.processes <= PAIR else f"{one.processes}p",
    )
    return "-".join(filter(None, parts))
