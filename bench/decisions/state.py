"""The state of a contest between its looks: its smallest p-values, and what they have decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcbench.bench.decisions.ahead import Ahead
from ipcbench.bench.decisions.contest import Asks, Contest, Extent, Verdict
from ipcbench.bench.results.records import Stand


@dataclass(slots=True)
class State:
    """A contest, and what its looks so far have shown.

    Attributes:
        family: the number of contests that are corrected together.
        first, second: cell -> the smallest corrected p-value so far of "the other side has a cell
            that is faster"; the cells that take part, once the contest has been judged.
        tie: the smallest corrected p-value so far of "no side is behind by the band".
        within, beyond: cell -> the same of "the other side is not behind this cell by the band",
            and of "it has a cell that is faster by more than the band", where that is asked.
        rounds: those that were judged.
        look: the rounds of its last look, which a fixed sweep may not have reached.
        extent: the answer, where it asks for the band.
        step: the number by which Holm's correction has multiplied the p-value of its verdict; the
            size of the family while it has none.
    """

    contest: Contest
    family: int
    first: dict[str, float] = field(default_factory=dict)
    second: dict[str, float] = field(default_factory=dict)
    tie: float = 1.0
    within: dict[str, float] = field(default_factory=dict)
    beyond: dict[str, float] = field(default_factory=dict)
    rounds: int = 0
    look: int = 0
    verdict: Verdict = Verdict.UNDECIDED
    extent: Extent = Extent.UNTOLD
    step: int = 0
    needed: int = 0

    def __post_init__(self) -> None:
        """Begin at the first step of Holm's correction."""
        self.step = self.family

    @property
    def asks_for_band(self) -> bool:
        return self.contest.asks is Asks.BAND

    @property
    def is_open(self) -> bool:
        """True where its question has no answer; it may have a direction already."""
        if self.asks_for_band:
            return self.extent is Extent.UNTOLD
        return self.verdict is Verdict.UNDECIDED

    @property
    def p_first(self) -> float:
        """The p-value of "the first side has a cell that is faster than each of the second"."""
        return max(self.second.values(), default=1.0)

    @property
    def p_second(self) -> float:
        """The same of the second side."""
        return max(self.first.values(), default=1.0)

    @property
    def p(self) -> float:
        """The p-value of an answer before Holm's correction.

        Of two directions, in one of which a tie lies. Where the band is asked for, no direction
        alone is an answer; the claims together err as the two limits of an interval do.
        """
        if self.asks_for_band:
            return min(1.0, 2 * min(self.tie, self._p_outside()))
        return min(1.0, 2 * min(self.p_first, self.p_second, self.tie))

    def against(self) -> Mapping[str, float]:
        """Return cell -> the p-value by which it is beaten, and does not go on."""
        faster = {**self.first, **self.second}
        return {cell: self.beyond[cell] for cell in faster} if self.asks_for_band else faster

    def lower(self, first: Ahead, second: Ahead) -> None:
        """Take the p-values of a look, where they are smaller; from the view of each side."""
        _lower(self.second, first.p_values())
        _lower(self.first, second.p_values())
        if self.asks_for_band:
            for side in (first, second):
                _lower(self.within, side.p_within())
                _lower(self.beyond, side.p_beyond())
            self.tie = max(self.within.values())
        else:
            tie = max(first.p_close(self.second), second.p_close(self.first))
            self.tie = min(self.tie, tie)

    # The verdict

    def decide(self, level: float, step: int) -> None:
        """Give the verdict, at a step of Holm's correction that rejects."""
        self.needed = 0
        if self.asks_for_band:
            self.give_direction(level, step)
            told = 2 * self._p_outside() * step <= level
            self.extent = Extent.OUTSIDE if told else Extent.INSIDE
        else:
            sides = (self.p_first, Verdict.FASTER), (self.p_second, Verdict.SLOWER)
            p, verdict = min(sides, key=lambda one: one[0])
            if 2 * p * step <= level:
                self.verdict = verdict
        if self.verdict is Verdict.UNDECIDED:
            self.verdict = Verdict.TIE
        self.step = step

    def give_direction(self, level: float, step: int) -> None:
        """Give a contest that asks for the band its direction, if it is told at a step.

        Looks may contradict each other: then the side counts that is farther ahead.
        """
        if not self.asks_for_band or self.verdict is not Verdict.UNDECIDED:
            return
        sides = (
            (self._beyond(self.second), self.p_first, Verdict.FASTER),
            (self._beyond(self.first), self.p_second, Verdict.SLOWER),
        )
        told = [one for one in sides if 2 * one[1] * step <= level]
        if told:
            *_, self.verdict = min(told, key=lambda one: one[:2])
            self.step = step

    def _p_outside(self) -> float:
        """Return the p-value of "they differ by more than the band", in the direction if told."""
        first, second = self._beyond(self.second), self._beyond(self.first)
        told = {Verdict.FASTER: first, Verdict.SLOWER: second}
        return told.get(self.verdict, min(first, second))

    def _beyond(self, side: Mapping[str, float]) -> float:
        return max((self.beyond[cell] for cell in side), default=1.0)

    # The journal

    def stand(self) -> Stand:
        """Return the line of the journal."""
        return Stand(
            contest=self.contest.id,
            rounds=self.rounds,
            first=dict(self.first),
            second=dict(self.second),
            tie=self.tie,
            within=dict(self.within),
            beyond=dict(self.beyond),
            p=self.p,
            verdict=self.verdict.value,
            extent=self.extent.value,
            needed=self.needed,
        )

    def take_p_values(self, stand: Stand) -> None:
        """Take over all but the verdict of a line of the journal."""
        self.first, self.second, self.tie = dict(stand.first), dict(stand.second), stand.tie
        self.within, self.beyond = dict(stand.within), dict(stand.beyond)
        self.rounds, self.needed = stand.rounds, stand.needed

    def is_closed_by(self, stand: Stand) -> bool:
        """Tell whether a line of the journal has the answer."""
        return bool(stand.extent) if self.asks_for_band else stand.verdict != "undecided"

    def take_verdict(self, stand: Stand, step: int) -> None:
        """Take over the verdict of a line of the journal."""
        self.verdict, self.extent, self.step = Verdict(stand.verdict), Extent(stand.extent), step


def _lower(so_far: dict[str, float], now: Mapping[str, float]) -> None:
    """Keep the smallest p-value of each cell."""
    for cell, p in now.items():
        so_far[cell] = min(p, so_far.get(cell, 1.0))
