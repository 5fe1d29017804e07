"""Verdicts: the contests of a run as they stand, each with its ratio and interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.decisions.ahead import Compared, Lead, search
from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import log_ratio, p_faster
from ipcbench.bench.decisions.contest import (
    LEVEL,
    LOOKS,
    Asks,
    Contest,
    Extent,
    Times,
    Verdict,
)
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.decisions.looks import Judge, Sample
from ipcbench.bench.decisions.state import State
from ipcbench.bench.decisions.tasks import tasks_of
from ipcbench.bench.results.records import Looked
from ipcbench.bench.results.results import CellResult, Results

LOST = "lost updates"  # a counter's observation: their share of all updates
NUDGE = 1e-9  # share by which a level is moved, so that limits agree with rounded p-values


class Why(Enum):
    """The reason why a contest has no answer."""

    NO_FIGURE = "a side has no figure"
    TOO_FEW = "too few rounds"  # for its first look
    DISTURBED = "fewer than half of the runs of a cell count"
    LOST = "a counter lost updates"
    NEEDS_MORE = "more rounds would decide it"
    OUT_OF_REACH = "no reasonable number of rounds would decide it"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Speed of the first side relative to the second; the limits may be 0 and infinity."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ContestVerdict:
    """A contest with its verdict.

    Attributes:
        first, second: the binding pair, by whose times the ratio is; "": none was judged.
        extent: the answer of a contest that asks for the band.
        ratio: of the contest; None: it was not judged, or its times are no longer those of its
            looks. It excludes 1 exactly where the verdict has a direction, and that of a tie is
            inside the band. Where the band is asked for, it is inside or outside of the band
            exactly where the answer says so.
        rounds: those that were judged.
        needed: rounds that an answer would take, about; 0: it has one, or none would do.
        stopped_early: decided before the last look; ratios of such contests are too extreme.
        p: corrected for all other tests of its family.
        family_size: contests that are corrected together.
        why, because: the reason why it has no answer, and the cells that it is about.
        absent: cells without a figure, which took no part.
    """

    contest: Contest
    verdict: Verdict
    extent: Extent = Extent.UNTOLD
    first: str = ""
    second: str = ""
    ratio: Ratio | None = None
    rounds: int = 0
    needed: int = 0
    stopped_early: bool = False
    p: float = 1.0
    family_size: int = 1
    why: Why | None = None
    because: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def winner(self) -> str:
        """The cell of the binding pair that is faster; "" where the verdict has no direction."""
        return {Verdict.FASTER: self.first, Verdict.SLOWER: self.second}.get(self.verdict, "")


def verdicts(
    contests: Iterable[Contest],
    lines: Sequence[Looked],
    times: Times,
    placement_of: Callable[[str], str],
    *,
    looks: Sequence[int] = LOOKS,
    level: float = LEVEL,
) -> list[ContestVerdict]:
    """Return the verdicts that looks have given, each with its ratio.

    Args:
        lines: the looks of the journal.
        looks: the rounds after which the sweep judges; one number for a fixed sweep.
    """
    every = list(contests)
    judge = Judge(every, placement_of, looks=looks, level=level)
    samples: dict[str, list[Sample]] = {}
    aligner = Aligner(times, placement_of)
    for line in lines:
        for stand in line.stands:
            state = judge.states.get(stand.contest)
            if state is not None and stand.rounds > state.rounds:
                part = {**stand.first, **stand.second}
                sample = judge.sample(state, _of(part, times), stand.rounds, aligner)
                if sample is not None:
                    samples.setdefault(stand.contest, []).append(sample)
        judge.resume([line])
    leads = {name: _leads(judge, judge.states[name], some, level) for name, some in samples.items()}
    search([lead for both in leads.values() for lead in both])
    found = [_verdict(judge, judge.states[one.id], times) for one in every]
    return [
        _with_ratio(one, judge.states[one.contest.id], samples[one.contest.id][-1], leads)
        if one.contest.id in samples
        else one
        for one in found
    ]


def of_results(results: Results) -> list[ContestVerdict]:
    """Return the verdicts of a run.

    A journal without contests, of an older version, has those of its cells. A fixed sweep that
    has no look, since it was stopped or is of an older version, is judged once, by its rounds.
    """
    every = list(contests_in(results))
    times = {key: cell.by_round() for key, cell in results.cells.items() if cell.good}
    level = min((one.level for one in results.contests.values()), default=LEVEL)
    most = max((len(own) for own in times.values()), default=0)
    lines = results.looks
    looks: Sequence[int] = LOOKS
    if not results.header.settings.adaptive:
        looks = (lines[-1].rounds if lines else max(most, 1),)
        if not lines:
            lines = [Judge(every, _placement(results), looks=looks, level=level).look(times, most)]
    found = verdicts(every, lines, times, _placement(results), looks=looks, level=level)
    return [_spoilt(one, results.cells) for one in found]


def contests_in(results: Results) -> list[Contest]:
    """Return the contests of a journal; of an older one, those of its cells."""
    if results.contests:
        return [
            Contest(
                id=one.id,
                task=one.task,
                family=one.family,
                statement=one.statement,
                first=tuple(one.first),
                second=tuple(one.second),
                band=one.band,
                asks=Asks(one.asks),
            )
            for one in results.contests.values()
        ]
    planned = (
        (result.cell, result.facts) for result in results.cells.values() if result.facts is not None
    )
    return contests_of((cell, facts, tasks_of(cell, facts)) for cell, facts in planned)


def _placement(results: Results) -> Callable[[str], str]:
    return lambda cell: results.cells[cell].cell.placement


def _of(cells: Iterable[str], times: Times) -> Times:
    return {cell: times[cell] for cell in cells if cell in times}


def _verdict(judge: Judge, state: State, times: Times) -> ContestVerdict:
    contest = state.contest
    took_part = {*state.first, *state.second}
    absent = tuple(
        cell
        for cell in contest.cells
        if (cell not in took_part if state.rounds else not times.get(cell))
    )
    return ContestVerdict(
        contest,
        state.verdict,
        state.extent,
        rounds=state.rounds,
        needed=state.needed,
        stopped_early=not state.is_open and state.look < judge.looks[-1],
        p=min(1.0, state.p * state.step),
        family_size=state.family,
        absent=absent,
        why=_why(state, absent) if state.is_open else None,
    )


def _why(state: State, absent: Sequence[str]) -> Why:
    contest = state.contest
    if {*contest.first} <= {*absent} or {*contest.second} <= {*absent}:
        return Why.NO_FIGURE
    if not state.rounds:
        return Why.TOO_FEW
    return Why.NEEDS_MORE if state.needed else Why.OUT_OF_REACH


def _spoilt(found: ContestVerdict, cells: Mapping[str, CellResult]) -> ContestVerdict:
    """Leave a contest undecided where a cell of it was disturbed, or lost updates.

    Both are known behind the runs alone; `competes` knows what is known before.
    """
    for why, is_spoilt in ((Why.LOST, _lost_some), (Why.DISTURBED, _is_disturbed)):
        because = tuple(cell for cell in found.contest.cells if is_spoilt(cells[cell]))
        if because:
            return ContestVerdict(
                found.contest,
                Verdict.UNDECIDED,
                rounds=found.rounds,
                family_size=found.family_size,
                why=why,
                because=because,
                absent=found.absent,
            )
    return found


def _is_disturbed(result: CellResult) -> bool:
    return result.disturbed


def _lost_some(result: CellResult) -> bool:
    return any(run.observations.get(LOST) for run in result.good)


def _binding(state: State, sample: Sample) -> tuple[str, str]:
    """Return the hardest rival of the first side, and the candidate that does best against it.

    Of several with the same p-value, as where no values overlap, the closest rival is the hardest.
    """

    def lead(first: str, second: str) -> float:
        return float(log_ratio(sample.logs[first], sample.logs[second]))

    def p_value(first: str, second: str) -> float:
        return float(p_faster(sample.logs[first], sample.logs[second]))

    second = max(
        sample.second,
        key=lambda rival: (state.second[rival], -max(lead(one, rival) for one in sample.first)),
    )
    first = min(sample.first, key=lambda one: (p_value(one, second), -lead(one, second)))
    return first, second


def _leads(
    judge: Judge, state: State, samples: Sequence[Sample], level: float
) -> tuple[Lead, Lead]:
    """Return the leads of both sides, to be searched for, with all factors of their tests."""
    moved = level * (1 - NUDGE if state.verdict is Verdict.UNDECIDED else 1 + NUDGE)
    of_first, of_second = (moved / (2 * state.step * one) for one in judge.factors(state.contest))
    return (
        Lead([Compared(one.first, one.second, one.logs) for one in samples], of_first),
        Lead([Compared(one.second, one.first, one.logs) for one in samples], of_second),
    )


def _with_ratio(
    found: ContestVerdict, state: State, sample: Sample, leads: Mapping[str, tuple[Lead, Lead]]
) -> ContestVerdict:
    """Add the binding pair of the last look, and its ratio inside the contest's interval.

    The interval has the shifts that the contest's tests do not reject.
    """
    import numpy as np

    first, second = _binding(state, sample)
    ours, theirs = leads[found.contest.id]
    low, high = _agreeing(found.verdict, ours.value, -theirs.value)
    if low > high:
        return replace(found, first=first, second=second)
    value = min(max(float(log_ratio(sample.logs[first], sample.logs[second])), low), high)
    ratio = Ratio(*np.exp([value, low, high]).tolist())
    return replace(found, first=first, second=second, ratio=ratio)


def _agreeing(verdict: Verdict, low: float, high: float) -> tuple[float, float]:
    """Return limits that agree with a verdict; the first above the second: there are none.

    Limits of several looks may exclude each other: then those of the verdict's side stand.
    """
    if verdict is Verdict.FASTER:
        return (low, max(low, high)) if low > 0 else (1.0, 0.0)
    if verdict is Verdict.SLOWER:
        return (min(low, high), high) if high < 0 else (1.0, 0.0)
    return (low, high) if low <= 0 <= high else (1.0, 0.0)
