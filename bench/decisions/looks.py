"""Looks: after how many rounds contests are judged, and what is decided then.

A sweep that adapts judges a contest when its cells have as many rounds as `LOOKS` say; each look
has its share of the level, so the sweep may stop at any time. A fixed sweep has one look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeVar

from ipcbench.bench.decisions.ahead import Ahead, Samples, ahead
from ipcbench.bench.decisions.alignment import Aligner
from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Asks, Contest, Times
from ipcbench.bench.decisions.state import State
from ipcbench.bench.results.records import Looked, Stand
from ipcbench.bench.stats import ENOUGH_ROUNDS

FEWEST = ENOUGH_ROUNDS  # of a fixed sweep: in fewer, a side with two modes is ahead by chance


class OpenContest(NamedTuple):
    """A contest without a verdict that can still be judged.

    `needed`: the rounds that a verdict would take, about; 0: not known, or out of reach. `rounds`:
    those after which it is judged next. `cells`: those that go on.
    """

    contest: Contest
    needed: int
    rounds: int
    cells: tuple[str, ...]


class Sample(NamedTuple):
    """Data by which a contest is judged: the cells that go on, and their aligned logarithms."""

    first: list[str]
    second: list[str]
    rounds: list[int]
    logs: Samples


class Decidable(Protocol):
    """A contest or a promise that may have a verdict."""

    @property
    def is_open(self) -> bool: ...


D = TypeVar("D", bound=Decidable)


def rejected(family: Iterable[D], p: Callable[[D], float], level: float) -> list[tuple[D, int]]:
    """Return what Holm's correction rejects of a family, each with its step.

    What was decided before counts as rejected.
    """
    still_open = sorted((one for one in family if one.is_open), key=p)
    steps = zip(still_open, range(len(still_open), 0, -1), strict=True)
    return list(takewhile(lambda one: p(one[0]) * one[1] <= level, steps))


class Judge:
    """The contests of a sweep and their states.

    Args:
        placement_of: the placement of a cell, by its id.
        looks: the rounds after which contests are judged; (n,) for a fixed sweep of n rounds.
    """

    def __init__(
        self,
        contests: Iterable[Contest],
        placement_of: Callable[[str], str],
        *,
        looks: Sequence[int] = LOOKS,
        level: float = LEVEL,
    ) -> None:
        every = list(contests)
        self.looks = tuple(looks)
        self._level = level
        self._placement_of = placement_of
        self._families: dict[str, list[State]] = {}
        sizes: dict[str, int] = {}
        for contest in every:
            sizes[contest.family] = sizes.get(contest.family, 0) + 1
        self.states: dict[str, State] = {}
        for contest in every:
            state = State(contest, sizes[contest.family])
            self.states[contest.id] = state
            self._families.setdefault(contest.family, []).append(state)

    def resume(self, looks: Iterable[Looked]) -> None:
        """Take over the looks of a journal; nothing of them is computed anew.

        Lines about contests that are not known are passed over.
        """
        for line in looks:
            known = [stand for stand in line.stands if stand.contest in self.states]
            for stand in known:
                self._take_over(stand, line.rounds)
            for stand in sorted(known, key=lambda one: one.p):
                state = self.states[stand.contest]
                if state.is_open and state.is_closed_by(stand):
                    state.take_verdict(stand, self._open_in(state.contest.family))
            for stand in known:
                state = self.states[stand.contest]
                if state.is_open and state.verdict.value != stand.verdict:
                    state.take_verdict(stand, self._open_in(state.contest.family))

    def _take_over(self, stand: Stand, look: int) -> None:
        state = self.states[stand.contest]
        if stand.rounds > state.rounds:  # else another contest of its family was judged
            state.look = look
        state.take_p_values(stand)

    def due(self, times: Times) -> list[int]:
        """Return the rounds of the looks for which an open contest has its rounds."""
        return [
            rounds
            for rounds in self.looks
            if any(
                state.is_open and self._is_due(state, times, rounds)
                for state in self.states.values()
            )
        ]

    def look(self, times: Times, rounds: int) -> Looked:
        """Judge the open contests that have so many rounds and were not judged after them.

        Args:
            times: of the cells that are measured. A cell that is missing takes no part.
            rounds: one of the looks.

        Returns:
            The line of the journal, with the contests that were judged or decided.
        """
        aligner = Aligner(times, self._placement_of)
        before = [(state, state.verdict) for state in self.states.values() if state.is_open]
        judged: dict[str, tuple[Ahead, Ahead]] = {}
        for state, _ in before:
            sample = self.sample(state, times, rounds, aligner) if state.look < rounds else None
            if sample is not None:
                judged[state.contest.id] = self._judge(state, sample)
                state.look = rounds
        for family in dict.fromkeys(self.states[name].contest.family for name in judged):
            self._decide(self._families[family])
        for name, sides in judged.items():
            self.states[name].needed = self._needed(self.states[name], *sides)
        changed = [
            one
            for one, verdict in before
            if one.contest.id in judged or not one.is_open or one.verdict is not verdict
        ]
        return Looked(rounds=rounds, stands=[one.stand() for one in changed])

    def open(self) -> list[OpenContest]:
        """Return the open contests that can be judged again, those with the fewest runs first."""
        found = [
            OpenContest(state.contest, state.needed, self._next(state), self.goes_on(state))
            for state in self.states.values()
            if state.is_open and state.look < self.looks[-1]
        ]
        return sorted(found, key=self._runs)

    def goes_on(self, state: State) -> tuple[str, ...]:
        """Return the cells of an open contest that no cell of the other side has beaten yet.

        Where it asks for the band, a cell is beaten that is slower by more than the band.
        """
        if not state.is_open:
            return ()
        if not state.rounds:
            return state.contest.cells
        beaten = self._level / (2 * state.family)
        return tuple(cell for cell, p in state.against().items() if p > beaten)

    def _runs(self, one: OpenContest) -> tuple[bool, int]:
        """Return the sorting key: the runs that a verdict still takes, those not known last."""
        judged = self.states[one.contest.id].rounds
        unknown = judged > 0 and not one.needed
        left = max(one.needed, one.rounds) - judged
        return unknown or one.needed > self.looks[-1], left * len(one.cells)

    def _next(self, state: State) -> int:
        return next(rounds for rounds in self.looks if rounds > state.look)

    def sample(self, state: State, times: Times, rounds: int, aligner: Aligner) -> Sample | None:
        """Return what a contest is judged by after so many rounds; None: it has too few."""
        first, second = self._sides(state, times)
        numbers = self._rounds(first, second, times, rounds)
        if not numbers:
            return None
        return Sample(first, second, numbers, aligner.aligned((*first, *second), numbers))

    def _is_due(self, state: State, times: Times, rounds: int) -> bool:
        sides = self._sides(state, times)
        return state.look < rounds == len(self._rounds(*sides, times, rounds))

    def _sides(self, state: State, times: Times) -> tuple[list[str], list[str]]:
        """Return the cells of each side that go on and have been measured."""
        on = {cell for cell in self.goes_on(state) if times.get(cell)}
        first = [cell for cell in state.contest.first if cell in on]
        return first, [cell for cell in state.contest.second if cell in on]

    def _rounds(
        self, first: Sequence[str], second: Sequence[str], times: Times, rounds: int
    ) -> list[int]:
        """Return the first rounds that all of the cells have; none where they are too few."""
        if not first or not second:
            return []
        common = set(times[first[0]]).intersection(*(times[cell] for cell in (*first, *second)))
        found = sorted(common)[:rounds]
        fewest = FEWEST if len(self.looks) == 1 else rounds
        return found if len(found) >= fewest else []

    def _judge(self, state: State, sample: Sample) -> tuple[Ahead, Ahead]:
        """Update the p-values of a contest; return those of this look."""
        first, second = self._ahead(state, sample)
        state.lower(first, second)
        state.rounds = len(sample.rounds)
        return first, second

    def _needed(self, state: State, first: Ahead, second: Ahead) -> int:
        """Return the rounds that a verdict would take; 0: it has one, or none would do."""
        if not state.is_open:
            return 0
        level = self._level / (2 * self._open_in(state.contest.family))
        close = max(first.needed_close(level), second.needed_close(level))
        if state.contest.asks is Asks.BAND:
            needed = min(close, *(one.needed_beyond(level) for one in (first, second)))
        else:
            needed = min(close, *(one.needed_faster(level) for one in (first, second)))
        return 0 if math.isinf(needed) else max(int(needed), state.rounds + 1)

    def _ahead(self, state: State, sample: Sample) -> tuple[Ahead, Ahead]:
        one, other, contest = sample.first, sample.second, state.contest
        test = partial(ahead, samples=sample.logs, band=contest.band, asks=contest.asks)
        of_first, of_second = self.factors(contest)
        return test(one, other, factor=of_first), test(other, one, factor=of_second)

    def factors(self, contest: Contest) -> tuple[int, int]:
        """Return the corrections for the looks and for the choice among the cells of each side."""
        looks = len(self.looks)
        return looks * len(contest.first), looks * len(contest.second)

    def _decide(self, family: Sequence[State]) -> None:
        """Apply Holm's correction; what was decided before counts as rejected.

        A contest that asks for the band is rejected with its answer alone: until then its
        direction is told at the step of those that are open, and makes none of them easier.
        """
        for state, step in rejected(family, lambda state: state.p, self._level):
            state.decide(self._level, step)
        for state in family:
            if state.is_open:
                state.give_direction(self._level, self._open_in(state.contest.family))

    def _open_in(self, family: str) -> int:
        return sum(state.is_open for state in self._families[family])
