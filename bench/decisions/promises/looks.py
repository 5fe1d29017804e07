"""Looks at promises: bounds of the ratio of two cells, judged after so many rounds.

A promise is kept where its ratio is shown to lie within its bounds, and broken where it is shown to
lie beyond one of them. All promises of a file are corrected together, and each look has its share
of the level. What is decided stays decided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.comparison import p_faster, rounds_needed
from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Contest, Times
from ipcbench.bench.decisions.looks import OpenContest, rejected
from ipcbench.bench.results.records import Looked, PromiseStand
from ipcbench.bench.stats import ENOUGH_ROUNDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAMILY = "promises"
BUDGET = 300.0  # seconds of a sweep until its promises are decided, unless others are asked for


class PromiseVerdict(Enum):
    """The verdict on a promise."""

    KEPT = "kept"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


_WORDS: Mapping[PromiseVerdict, Literal["kept", "broken", "inconclusive"]] = {
    PromiseVerdict.KEPT: "kept",
    PromiseVerdict.BROKEN: "broken",
    PromiseVerdict.INCONCLUSIVE: "inconclusive",
}  # of the journal


@dataclass(frozen=True, slots=True)
class PromisedRatio:
    """A promise about two cells: at_least <= time(than) / time(faster) <= at_most.

    Attributes:
        id: its name, unique in its file.
        faster, than: ids of cells.
        at_least, at_most: the bounds; None where there is no such bound.
    """

    id: str
    faster: str
    than: str
    at_least: float | None = None
    at_most: float | None = None

    def contest(self) -> Contest:
        """Return it as a contest of two cells, by which rounds are ordered."""
        return Contest(self.id, FAMILY, FAMILY, "", (self.faster,), (self.than,), 0.0)


class Sample(NamedTuple):
    """Aligned logarithms of both cells over rounds that both have."""

    rounds: list[int]
    faster: NDArray[np.float64]
    than: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PValues:
    """The p-values of a promise.

    Attributes:
        above_least, below_most: of "the ratio lies within this bound"; 0: there is no such bound.
        below_least, above_most: of "the ratio lies beyond this bound"; 1: there is none.
    """

    above_least: float = 1.0
    below_most: float = 1.0
    below_least: float = 1.0
    above_most: float = 1.0

    @property
    def kept(self) -> float:
        """The p-value of "the ratio lies within the bounds"."""
        return max(self.above_least, self.below_most)

    @property
    def broken(self) -> float:
        """The p-value of "the ratio lies beyond a bound"."""
        return min(self.below_least, self.above_most)

    @property
    def both(self) -> float:
        """The p-value before Holm's correction: of either verdict."""
        return min(1.0, 2 * min(self.kept, self.broken))

    def corrected(self, factor: int) -> PValues:
        """Return the p-values multiplied by a factor, 1 at most."""
        values = (self.above_least, self.below_most, self.below_least, self.above_most)
        return PValues(*(min(1.0, factor * p) for p in values))

    def lowered(self, other: PValues) -> PValues:
        """Return the smaller one of each."""
        return PValues(
            min(self.above_least, other.above_least),
            min(self.below_most, other.below_most),
            min(self.below_least, other.below_least),
            min(self.above_most, other.above_most),
        )

    def needed(self, rounds: int, level: float) -> int:
        """Return about how many rounds a verdict takes; 0: not known, or out of reach.

        `self`: the p-values of one look, not corrected for the looks.
        """
        found = rounds_needed([self.kept, self.below_least, self.above_most], rounds, level)
        fewest = float(found.min())
        return 0 if math.isinf(fewest) else max(int(fewest), rounds + 1)


@dataclass(slots=True)
class PromiseState:
    """A promise, and what its looks so far have shown.

    Attributes:
        family: the number of promises that are corrected together.
        p: the smallest p-values so far, corrected for the looks.
        rounds: those that were judged.
        look: the rounds of its last look, which a fixed sweep may not have reached.
        step: the number by which Holm's correction has multiplied its p-value; while it is
            open, the size of the family.
        needed: rounds that a verdict would take, about; 0: it has one, or none would do.
    """

    promise: PromisedRatio
    family: int
    p: PValues = field(default_factory=PValues)
    rounds: int = 0
    look: int = 0
    verdict: PromiseVerdict = PromiseVerdict.INCONCLUSIVE
    step: int = 0
    needed: int = 0

    def __post_init__(self) -> None:
        """Begin at the first step of Holm's correction."""
        self.step = self.family

    @property
    def is_open(self) -> bool:
        return self.verdict is PromiseVerdict.INCONCLUSIVE

    def decide(self, step: int) -> None:
        """Give the verdict, at a step of Holm's correction that rejects."""
        self.step, self.needed = step, 0
        kept = self.p.kept < self.p.broken
        self.verdict = PromiseVerdict.KEPT if kept else PromiseVerdict.BROKEN

    def stand(self) -> PromiseStand:
        """Return the line of the journal."""
        return PromiseStand(
            promise=self.promise.id,
            rounds=self.rounds,
            above_least=self.p.above_least,
            below_most=self.p.below_most,
            below_least=self.p.below_least,
            above_most=self.p.above_most,
            verdict=_WORDS[self.verdict],
            needed=self.needed,
        )


def p_values(promise: PromisedRatio, sample: Sample) -> PValues:
    """Test both bounds in both directions, at one look."""

    def faster(by: float) -> float:
        return float(p_faster(sample.faster, sample.than, by))

    def slower(by: float) -> float:
        return float(p_faster(sample.than, sample.faster, -by))

    above_least, below_least, below_most, above_most = 0.0, 1.0, 0.0, 1.0
    if promise.at_least is not None:
        least = math.log(promise.at_least)
        above_least, below_least = faster(least), slower(least)
    if promise.at_most is not None:
        most = math.log(promise.at_most)
        below_most, above_most = slower(most), faster(most)
    return PValues(above_least, below_most, below_least, above_most)


class PromiseJudge:
    """The promises of a file and their states.

    Args:
        placement_of: the placement of a cell, by its id.
        looks: the rounds after which promises are judged; (n,) for a fixed sweep of n rounds.
    """

    def __init__(
        self,
        promises: Iterable[PromisedRatio],
        placement_of: Callable[[str], str],
        *,
        looks: Sequence[int] = LOOKS,
        level: float = LEVEL,
    ) -> None:
        every = list(promises)
        self.looks = tuple(looks)
        self._level = level
        self._placement_of = placement_of
        self.states = {one.id: PromiseState(one, len(every)) for one in every}

    @property
    def open_count(self) -> int:
        """The number of promises without a verdict."""
        return sum(state.is_open for state in self.states.values())

    def resume(self, looks: Iterable[Looked]) -> None:
        """Take over the looks of a journal; nothing of them is computed anew."""
        for line in looks:
            known = [stand for stand in line.promises if stand.promise in self.states]
            for stand in known:
                self._take_over(stand, line.rounds)
            decided = [one for one in known if one.verdict != PromiseVerdict.INCONCLUSIVE.value]
            for stand in sorted(decided, key=lambda one: self.states[one.promise].p.both):
                state = self.states[stand.promise]
                if state.is_open:
                    state.step = self.open_count
                    state.verdict = PromiseVerdict(stand.verdict)

    def _take_over(self, stand: PromiseStand, look: int) -> None:
        state = self.states[stand.promise]
        if stand.rounds > state.rounds:  # else the verdict on another promise has decided it
            state.look = look
        state.p = PValues(stand.above_least, stand.below_most, stand.below_least, stand.above_most)
        state.rounds, state.needed = stand.rounds, stand.needed

    def due(self, times: Times) -> list[int]:
        """Return the rounds of the looks for which an open promise has its rounds."""
        return [
            rounds
            for rounds in self.looks
            if any(
                state.is_open and state.look < rounds <= len(common_rounds(state.promise, times))
                for state in self.states.values()
            )
        ]

    def look(self, times: Times, rounds: int) -> Looked:
        """Judge the open promises that have so many rounds and were not judged after them.

        Returns:
            The line of the journal, with the promises that were judged or decided.
        """
        aligner = Aligner(times, self._placement_of)
        judged, before = [], [state for state in self.states.values() if state.is_open]
        for state in before:
            sample = self.sample(state, times, rounds, aligner) if state.look < rounds else None
            if sample is not None:
                self._judge(state, sample)
                state.look = rounds
                judged.append(state)
        if judged:
            self._decide()
        changed = [state for state in before if state in judged or not state.is_open]
        return Looked(rounds=rounds, stands=[], promises=[state.stand() for state in changed])

    def open(self) -> list[OpenContest]:
        """Return the open promises that can be judged again, those with the fewest runs first."""
        found = [
            OpenContest(contest, state.needed, self._next(state), contest.cells)
            for state in self.states.values()
            if state.is_open and state.look < self.looks[-1]
            for contest in (state.promise.contest(),)
        ]
        return sorted(found, key=self._rounds_left)

    def _rounds_left(self, one: OpenContest) -> tuple[bool, int]:
        """Return the sorting key: the rounds that a verdict still takes, those not known last."""
        judged = self.states[one.contest.id].rounds
        unknown = judged > 0 and not one.needed
        return unknown or one.needed > self.looks[-1], max(one.needed, one.rounds) - judged

    def _next(self, state: PromiseState) -> int:
        return next(rounds for rounds in self.looks if rounds > state.look)

    def sample(
        self, state: PromiseState, times: Times, rounds: int, aligner: Aligner
    ) -> Sample | None:
        """Return what a promise is judged by after so many rounds; None: it has too few."""
        numbers = common_rounds(state.promise, times)[:rounds]
        if len(numbers) < (ENOUGH_ROUNDS if len(self.looks) == 1 else rounds):
            return None
        cells = state.promise.faster, state.promise.than
        logs = aligner.aligned(cells, numbers)
        return Sample(numbers, *(logs[cell] for cell in cells))

    def level_of(self, state: PromiseState) -> float:
        """Return the one-sided level of a promise's tests, with all corrections."""
        return self._level / (2 * state.step * len(self.looks))

    def _judge(self, state: PromiseState, sample: Sample) -> None:
        """Update the p-values of a promise."""
        found = p_values(state.promise, sample)
        state.p = state.p.lowered(found.corrected(len(self.looks)))
        state.rounds = len(sample.rounds)
        # A fixed sweep is followed by one until all is decided, so its looks count here.
        looks = max(len(self.looks), len(LOOKS))
        state.needed = found.needed(state.rounds, self._level / (2 * self.open_count * looks))

    def _decide(self) -> None:
        """Apply Holm's correction; what was decided before counts as rejected."""
        every = self.states.values()
        for state, step in rejected(every, lambda state: state.p.both, self._level):
            state.decide(step)


def common_rounds(promise: PromisedRatio, times: Times) -> list[int]:
    """Return the rounds that both cells have."""
    return sorted({*times.get(promise.faster, ())} & {*times.get(promise.than, ())})
