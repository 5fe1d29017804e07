"""Verdicts on promises: how a run's promises stand, each with its ratio and interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import log_ratio, log_ratio_limits
from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Times
from ipcbench.bench.decisions.promises.looks import (
    PromisedRatio,
    PromiseJudge,
    PromiseState,
    PromiseVerdict,
    Sample,
    common_rounds,
)
from ipcbench.bench.decisions.verdicts import NUDGE, Ratio
from ipcbench.bench.results.records import Looked
from ipcbench.bench.results.results import Results


@dataclass(frozen=True, slots=True)
class PromiseOutcome:
    """A promise with its verdict.

    Attributes:
        verdict: kept, broken or inconclusive.
        ratio: times as fast, its limits 0 and infinity where the rounds are too few; None: there is
            no round, or the times are no longer those of the looks. The limits lie within the
            bounds where the promise is kept, and beyond one of them where it is broken.
        coverage: of the limits, over all looks, with the other promises.
        judged: there were enough rounds for a look.
        rounds: those that were judged; those that both cells have where none was.
        needed: rounds that a verdict would take, about; 0: it has one, or none would do.
    """

    promise: PromisedRatio
    verdict: PromiseVerdict
    ratio: Ratio | None
    coverage: float
    judged: bool
    rounds: int
    needed: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The promises of a run, judged.

    `looks`: the rounds of the looks; one number where they are judged once. `taken`: the journal
    has these promises, and the looks are those of the sweep.
    """

    outcomes: Sequence[PromiseOutcome]
    looks: Sequence[int]
    taken: bool


def judge_promises(results: Results, promises: Sequence[PromisedRatio]) -> Judgement:
    """Judge promises about a run.

    The looks of the journal count where it has exactly these promises. Otherwise they are judged
    once, with the whole level: by all rounds; of an adaptive sweep by those of its base, since
    its later rounds depend on what it found.
    """
    times = {key: cell.by_round() for key, cell in results.cells.items() if cell.good}
    known = {one.id: one for one in promises_in(results)} == {one.id: one for one in promises}
    level = min((one.level for one in results.promises.values()), default=LEVEL) if known else LEVEL
    lines = [line for line in results.looks if line.promises] if known else []
    adaptive = results.header.settings.adaptive
    taken = bool(lines) or (known and adaptive)
    if known and adaptive:
        looks: Sequence[int] = LOOKS
    elif lines:
        looks = (lines[-1].rounds,)
    else:
        if adaptive:
            base = {line.round for line in results.rounds if not line.mini}
            times = {cell: in_rounds(own, base) for cell, own in times.items()}
        looks = (max(max(map(len, times.values()), default=0), 1),)
        judge = PromiseJudge(promises, _placement(results), looks=looks, level=level)
        lines = [judge.look(times, looks[0])]
    outcomes = verdicts(promises, lines, times, _placement(results), looks=looks, level=level)
    return Judgement(outcomes, looks, taken)


def verdicts(
    promises: Sequence[PromisedRatio],
    lines: Sequence[Looked],
    times: Times,
    placement_of: Callable[[str], str],
    *,
    looks: Sequence[int] = LOOKS,
    level: float = LEVEL,
) -> list[PromiseOutcome]:
    """Return the verdicts that looks have given, each with its ratio.

    Args:
        lines: the looks of the journal.
        looks: the rounds after which the sweep judges; one number for a fixed sweep.
    """
    judge = PromiseJudge(promises, placement_of, looks=looks, level=level)
    samples: dict[str, list[Sample]] = {one.id: [] for one in promises}
    aligner = Aligner(times, placement_of)
    for line in lines:
        for stand in line.promises:
            state = judge.states.get(stand.promise)
            if state is not None and stand.rounds > state.rounds:
                sample = judge.sample(state, times, stand.rounds, aligner)
                if sample is not None:
                    samples[stand.promise].append(sample)
        judge.resume([line])
    return [
        PromiseOutcome(
            state.promise,
            state.verdict,
            _ratio(judge, state, found) if found else _estimate(state.promise, times),
            1 - level / state.step,
            state.rounds > 0,
            state.rounds or len(common_rounds(state.promise, times)),
            state.needed,
        )
        for state in judge.states.values()
        for found in (samples[state.promise.id],)
    ]


def _estimate(promise: PromisedRatio, times: Times) -> Ratio | None:
    """Return the ratio of a promise that was not judged, without limits."""
    rounds = common_rounds(promise, times)
    if not rounds:
        return None
    faster, than = (
        [math.log(times[cell][number]) for number in rounds]
        for cell in (promise.faster, promise.than)
    )
    return Ratio(math.exp(float(log_ratio(faster, than))), 0.0, math.inf)


def promises_in(results: Results) -> list[PromisedRatio]:
    """Return the promises of a journal."""
    return [
        PromisedRatio(one.id, one.faster, one.than, one.at_least, one.at_most)
        for one in results.promises.values()
    ]


def in_rounds(own: Mapping[int, float], rounds: Collection[int]) -> dict[int, float]:
    """Return the times of these rounds."""
    return {number: seconds for number, seconds in own.items() if number in rounds}


def _placement(results: Results) -> Callable[[str], str]:
    return lambda cell: results.cells[cell].cell.placement


def _ratio(judge: PromiseJudge, state: PromiseState, samples: Sequence[Sample]) -> Ratio | None:
    """Return the ratio, inside the intersection of the intervals of all looks.

    An interval has the ratios that the tests do not reject, with all their corrections.
    """
    level = judge.level_of(state) * (1 - NUDGE if state.is_open else 1 + NUDGE)
    found = [log_ratio_limits(one.faster, one.than, level, level) for one in samples]
    low = max(float(low) for low, _ in found)
    high = min(float(high) for _, high in found)
    if low > high or not agrees(state, low, high):
        return None
    value = min(max(float(log_ratio(samples[-1].faster, samples[-1].than)), low), high)
    return Ratio(math.exp(value), math.exp(low), math.exp(high))


def agrees(state: PromiseState, low: float, high: float) -> bool:
    """Tell whether an interval lies where the verdict says, as it does unless times changed."""
    promise = state.promise
    least = -math.inf if promise.at_least is None else math.log(promise.at_least)
    most = math.inf if promise.at_most is None else math.log(promise.at_most)
    within = (low > least or promise.at_least is None) and (high < most or promise.at_most is None)
    beyond = high < least or low > most
    if state.is_open:
        return not within and not beyond
    return within if state.verdict is PromiseVerdict.KEPT else beyond
