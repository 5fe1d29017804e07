"""The procedure of deciding, replayed on a recorded run: what is decided, and what is wrong.

Suites are drawn from the noise of the run (`suites`), in three modes. *Even*: all cells of a
contest are equally fast, and every look is taken; any direction is wrong. *Band*: one side is
faster by exactly the band, and a tie is wrong. *Recorded*: the cells differ as they did; behind
the base, mini-rounds have the seconds that a fixed sweep of twelve rounds takes behind its eighth,
and the rule of earlier versions judges those twelve rounds.

Contests that ask for the band do so here as well, whatever the version of the journal. In the mode
*even* a difference beyond the band is wrong, in the mode *band* each answer about it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

from ipcbench.bench.decisions.contest import LOOKS, Asks, Contest, Extent, Times, Verdict
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.decisions.verdicts import contests_in, verdicts
from ipcbench.bench.results.results import load
from ipcbench.bench.rounds.adaptive import Adaptive, Prices
from tests.bench_self import earlier_rule
from tests.bench_self.suites import (
    ROUNDS,
    Draw,
    Recorded,
    SuiteJudge,
    aligned_noise,
    centre,
    centred,
    p_values_of,
)
from tests.scipys import stats

SUITES = 1000
COVERED = 200  # suites whose intervals are compared with the truth, at most
CHUNK = 50  # suites at once
BASE, FIXED = LOOKS[0], 12  # rounds
BESIDE = 0.15  # seconds of a mini-round beside its runs
EVEN, BAND, RECORDED, COVERAGE = "even", "band", "recorded", "coverage"
NEAR = 0.002  # of a logarithm: the truth is not known better


@dataclass
class Tally:
    """The counts of a mode. Keys of verdicts: placement and verdict."""

    suites: int = 0
    wrong: int = 0  # verdicts
    extents: Counter[tuple[str, str]] = field(default_factory=Counter)  # of contests for the band
    families: Counter[str] = field(default_factory=Counter)  # suites with a wrong verdict
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    earlier: Counter[tuple[str, str]] = field(default_factory=Counter)
    earlier_wrong: int = 0

    def add(self, other: Tally) -> None:
        self.suites += other.suites
        self.wrong += other.wrong
        self.earlier_wrong += other.earlier_wrong
        self.families.update(other.families)
        self.verdicts.update(other.verdicts)
        self.extents.update(other.extents)
        self.earlier.update(other.earlier)


def read(folder: Path) -> Recorded:
    """Read a run. Raises: Unreadable, OSError."""
    results = load(folder)
    cells = {one.cell.id: one for one in results.ok()}
    placements = {identity: one.cell.placement for identity, one in cells.items()}
    runtimes = {identity: one.cell.runtime for identity, one in cells.items()}
    times = {identity: one.by_round() for identity, one in cells.items() if not one.disturbed}
    locations, noise = aligned_noise(times, placements)
    usable = [
        replace(one, asks=_asks(one))
        for one in contests_in(results)
        if all(len(noise.get(cell, ())) > 1 for cell in one.cells)
    ]
    seconds = {identity: median(run.wall for run in one.good) for identity, one in cells.items()}
    return Recorded(usable, placements, runtimes, locations, noise, seconds)


def _asks(one: Contest) -> Asks:
    """Return what a contest of a task asks for today."""
    matches = TASKS[one.task].matches if one.task in TASKS else ()
    found = (match.asks for match in matches if one.statement and match.statement == one.statement)
    return next(found, one.asks)


def replay(recorded: Recorded, mode: str, suites: int, seed: int) -> Tally:
    """Draw suites, and judge them."""
    rng = np.random.default_rng([seed, *mode.encode()])
    tally = Tally()
    while tally.suites < suites:
        size = min(CHUNK, suites - tally.suites)
        tally.add(_MODES[mode](recorded, Draw(recorded, size, rng), size))
    return tally


# All looks, with the truth known


def _even(recorded: Recorded, draw: Draw, suites: int) -> Tally:
    shifts = {one.id: centred(one, recorded) for one in recorded.contests}
    return _against(
        recorded, draw, suites, shifts, {Verdict.FASTER, Verdict.SLOWER, Extent.OUTSIDE}
    )


def _band(recorded: Recorded, draw: Draw, suites: int) -> Tally:
    shifts = {}
    for one in recorded.contests:
        behind = dict.fromkeys(one.second, math.log1p(one.band))
        shifts[one.id] = {
            cell: shift + behind.get(cell, 0.0) for cell, shift in centred(one, recorded).items()
        }
    return _against(
        recorded,
        draw,
        suites,
        shifts,
        {Verdict.TIE, Verdict.SLOWER, Extent.INSIDE, Extent.OUTSIDE},
    )


def _against(
    recorded: Recorded,
    draw: Draw,
    suites: int,
    shifts: Mapping[str, Mapping[str, float]],
    wrong: set[Verdict | Extent],
) -> Tally:
    tests = {one.id: p_values_of(one, draw, shifts[one.id]) for one in recorded.contests}
    tally = Tally(suites)
    for suite in range(suites):
        judge = SuiteJudge(recorded, tests, suite)
        for look in LOOKS:
            judge.look(dict.fromkeys(recorded.noise, ROUNDS[look]), look)
        _count(tally, judge, recorded, lambda one, *told: not wrong.isdisjoint(told))
    return tally


def _count(tally: Tally, judge: Judge, recorded: Recorded, is_wrong: _IsWrong) -> None:
    families = set()
    for state in judge.states.values():
        place = _place(state.contest, recorded)
        tally.verdicts[place, state.verdict.value] += 1
        if state.asks_for_band:
            tally.extents[place, state.extent.value] += 1
        if is_wrong(state.contest, state.verdict, state.extent):
            tally.wrong += 1
            families.add(state.contest.family)
    tally.families.update(families)


def _place(contest: Contest, recorded: Recorded) -> str:
    return recorded.placements[contest.first[0]]


# As recorded, within the seconds of a fixed sweep


def _as_recorded(recorded: Recorded, draw: Draw, suites: int) -> Tally:
    truth = {one.id: _lead(one, recorded) for one in recorded.contests}
    tests = {one.id: p_values_of(one, draw, recorded.locations) for one in recorded.contests}
    samples = {
        one.id: {cell: draw.samples[cell] + recorded.locations[cell] for cell in one.cells}
        for one in recorded.contests
    }
    tally = Tally(suites)

    def is_wrong(one: Contest, verdict: Verdict, extent: Extent) -> bool:
        return contradicts(verdict, extent, truth[one.id], one.band)

    for suite in range(suites):
        judge = SuiteJudge(recorded, tests, suite)
        _adapt(judge, recorded)
        _count(tally, judge, recorded, is_wrong)
        rounds = {
            name: {cell: logs[suite, :FIXED] for cell, logs in own.items()}
            for name, own in samples.items()
        }
        found = earlier_rule.judge(recorded.contests, rounds, recorded.runtimes)
        for one in recorded.contests:
            tally.earlier[_place(one, recorded), found[one.id].value] += 1
            tally.earlier_wrong += is_wrong(one, found[one.id], Extent.UNTOLD)
    return tally


def _adapt(judge: Judge, recorded: Recorded) -> None:
    """Take looks and mini-rounds as an adaptive sweep does, until its seconds are spent."""
    adaptive = Adaptive(judge, [])
    prices = Prices(recorded.seconds, recorded.seconds, BESIDE)
    left = (FIXED - BASE) * sum(recorded.seconds.values())
    times = dict.fromkeys(recorded.noise, ROUNDS[BASE])
    while left > 0:
        while (due := adaptive.due(times)) is not None:
            adaptive.look(times, due)
        going = adaptive.choose(times, list(times), prices, left)
        if not going:
            return
        while adaptive.due(times) is None and left > 0:
            left -= prices.of(dict.fromkeys(going, 1))
            times |= {cell: ROUNDS[len(times[cell]) + 1] for cell in going}


def _lead(one: Contest, recorded: Recorded) -> float:
    """Return the logarithm of how many times as fast the first side is."""
    at = {cell: recorded.locations[cell] + centre(recorded.noise[cell]) for cell in one.cells}
    return min(at[cell] for cell in one.second) - min(at[cell] for cell in one.first)


def contradicts(verdict: Verdict, extent: Extent, lead: float, band: float) -> bool:
    beyond = abs(lead) - math.log1p(band)
    return {
        Verdict.FASTER: lead < -NEAR,
        Verdict.SLOWER: lead > NEAR,
        Verdict.TIE: beyond > NEAR,
    }.get(verdict, False) or {
        Extent.INSIDE: beyond > NEAR,
        Extent.OUTSIDE: beyond < -NEAR,
    }.get(extent, False)


# Intervals


def _coverage(recorded: Recorded, draw: Draw, suites: int) -> Tally:
    """Count the intervals that hold the true ratio, behind looks at 8 and 12 rounds of all."""
    tally = Tally(suites)
    for suite in range(suites):
        times = _times(recorded, draw, suite)
        judge = Judge(recorded.contests, recorded.placements.__getitem__)
        lines = [judge.look(_first(times, look), look) for look in (BASE, FIXED)]
        for one in verdicts(recorded.contests, lines, times, recorded.placements.__getitem__):
            if one.ratio is not None:
                lead = math.exp(_lead(one.contest, recorded))
                covers = one.ratio.low * (1 - NEAR) <= lead <= one.ratio.high * (1 + NEAR)
                tally.verdicts[_place(one.contest, recorded), str(covers)] += 1
    return tally


def _times(recorded: Recorded, draw: Draw, suite: int) -> dict[str, dict[int, float]]:
    return {
        cell: dict(enumerate(np.exp(recorded.locations[cell] + logs[suite]).tolist(), 1))
        for cell, logs in draw.samples.items()
    }


def _first(times: Times, rounds: int) -> Times:
    return {
        cell: {number: own[number] for number in range(1, rounds + 1)}
        for cell, own in times.items()
    }


_IsWrong = Callable[[Contest, Verdict, Extent], bool]
_MODES: Mapping[str, Callable[[Recorded, Draw, int], Tally]] = {
    EVEN: _even,
    BAND: _band,
    RECORDED: _as_recorded,
    COVERAGE: _coverage,
}


# The table


def measure(folder: Path, suites: int) -> Iterator[str]:
    """Replay all modes, then yield the lines of the table."""
    recorded = read(folder)
    families = len({one.family for one in recorded.contests})
    yield f"  {len(recorded.contests)} contests in {families} families; {suites} suites a mode"
    parts = 2 if suites >= 2 * CHUNK else 1
    with ProcessPoolExecutor(parts, mp_context=get_context("spawn")) as pool:
        tasks = {
            mode: [
                pool.submit(replay, recorded, mode, _suites(mode, suites) // parts, seed)
                for seed in range(parts)
            ]
            for mode in _MODES
        }
        for mode, results in tasks.items():
            tally = Tally()
            for result in results:
                tally.add(result.result())
            yield from _lines(mode, tally)


def _suites(mode: str, suites: int) -> int:
    return min(suites, COVERED) if mode == COVERAGE else suites


def _lines(mode: str, tally: Tally) -> Iterator[str]:
    if mode == COVERAGE:
        yield from _coverage_lines(tally)
        return
    if mode in (EVEN, BAND):
        family, count = max(tally.families.items(), key=lambda item: item[1], default=("-", 0))
        high = stats().beta.ppf(0.975, count + 1, tally.suites - count)
        yield (
            f"  {mode}: wrong verdicts a suite {tally.wrong / tally.suites:.3f}; worst "
            f"family {count / tally.suites:.2%}, at most {high:.2%} (target: 6 %): {family}"
        )
        return
    yield f"  {mode}: wrong verdicts a suite {tally.wrong / tally.suites:.3f} (target: 0.05)"
    yield f"  by the earlier rule, the same seconds: {tally.earlier_wrong / tally.suites:.3f}"
    for placement in dict.fromkeys(place for place, _ in tally.verdicts):
        now, before = (_decided(one, placement) for one in (tally.verdicts, tally.earlier))
        yield (
            f"    {placement:18} decided {now[0] / tally.suites:6.1f} of "
            f"{now[1] / tally.suites:3.0f} ({now[0] / now[1]:.0%}), by the earlier rule "
            f"{before[0] / tally.suites:6.1f} ({now[0] / max(1, before[0]):.2f} times as many)"
        )
        yield from _extent_lines(tally, placement)
    every = [_decided(one, None) for one in (tally.verdicts, tally.earlier)]
    yield (
        f"    all                decided {every[0][0] / tally.suites:6.1f}, by the earlier rule "
        f"{every[1][0] / tally.suites:6.1f} ({every[0][0] / max(1, every[1][0]):.2f} times as many)"
    )


def _extent_lines(tally: Tally, placement: str) -> Iterator[str]:
    found = {one: tally.extents[placement, one.value] / tally.suites for one in Extent}
    if every := sum(found.values()):
        yield (
            f"    {'':18} of {every:.0f} for the band inside {found[Extent.INSIDE]:.1f}, "
            f"outside {found[Extent.OUTSIDE]:.1f}"
        )


def _decided(counts: Counter[tuple[str, str]], placement: str | None) -> tuple[int, int]:
    """Return the number of contests that are decided, and of all."""
    own = [
        (verdict, count) for (place, verdict), count in counts.items() if placement in (None, place)
    ]
    undecided = Verdict.UNDECIDED.value
    return sum(n for verdict, n in own if verdict != undecided), sum(n for _, n in own)


def _coverage_lines(tally: Tally) -> Iterator[str]:
    for placement in dict.fromkeys(place for place, _ in tally.verdicts):
        holds = tally.verdicts[placement, "True"]
        total = holds + tally.verdicts[placement, "False"]
        yield f"  intervals that hold the true ratio, {placement}: {holds / total:.2%} of {total}"
