"""Sequential test of one cell: is head slower than base, or is it not, or is that not known yet?

Each pair gives d = ln(head / base). Two wagers are kept. One bets against "there is no change",
the other against "head is slower by the band". Before a pair, a wager chooses its bet from the
earlier pairs alone; if what it bets against is true, its capital is as likely to fall as to rise,
and stays 1 on average. The capital is an e-value (Ramdas et al., Game-theoretic statistics and
safe anytime-valid inference, Statistical Science 38 (2023) 576-601). By Ville's inequality it
reaches a bound B in at most 1 of B cells, however long the test goes on and whenever it is looked
at. So a cell may be tested after every pair, and a test may be stopped and continued at any time.

That needs only that d lies as often x above as x below the truth. For two equal arms a coin does
that, tossed for each pair: it tells which arm runs first. The noise may have any shape, and may
change from pair to pair.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Bet(NamedTuple):
    """A bet on a distance from the shift that is bet against.

    Attributes:
        scale: times the scale of the noise.
        learns: on the distance of the earlier pairs' median, where that is above the band;
            otherwise on the band. A slow-down to the double would take 51 pairs without it, and
            takes 19.
    """

    scale: float
    learns: bool = False


BETS = (Bet(0.7), Bet(1.0), Bet(1.6), Bet(1.0, learns=True))  # each with a quarter of the capital
LEARNED = 4  # pairs that only teach the scale: the capital stays 1
NARROWEST = 0.1  # of the band: the smallest scale, so that equal values divide by no zero
NORMAL = 1.4826  # standard deviations of a normal distribution per median absolute deviation
SATURATED = 700.0  # about the largest logarithm of a float: larger differences count as this one


class ChangeVerdict(Enum):
    """The verdict about a cell that is gated."""

    BROKEN = "broken"
    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


DECIDED = (ChangeVerdict.BROKEN, ChangeVerdict.PASSED)
OUT_OF_REACH = 100_000  # pairs


@dataclass(frozen=True, slots=True)
class Rule:
    """The bounds of a test.

    Attributes:
        cells: that are tested together; an alarm in any of them is an alarm of the suite.
        delta: the band: the share by which head may be slower.
        alarm: the largest probability of a false alarm, of all cells together.
        passes: the bound for passing: a slow-down of the band passes once in so many cells.
        most_pairs: after which a cell that is still open is inconclusive.
    """

    cells: int
    delta: float = 0.05
    alarm: float = 0.005
    passes: float = 50.0
    most_pairs: int = 300

    def __post_init__(self) -> None:
        if self.cells < 1 or self.most_pairs < 1:
            raise ValueError("a gate has one cell and one pair, or more")
        if not (0 < self.delta < math.inf and 0 < self.alarm < 1 and 1 < self.passes < math.inf):
            raise ValueError("the band, the level or the bound of a gate is out of range")

    @property
    def band(self) -> float:
        """The band as a difference of logarithms."""
        return math.log1p(self.delta)

    @property
    def breaks(self) -> float:
        """The bound for an alarm in one cell."""
        return self.cells / self.alarm


class Wager:
    """The capital of a series of bets that differences lie above a shift.

    Args:
        shift: the difference of logarithms that is bet against.
        sign: +1: differences are bet to lie above the shift; -1: below.
        band: the smallest distance that is bet on.
    """

    def __init__(self, shift: float, sign: int, band: float) -> None:
        self._shift = shift
        self._sign = sign
        self._band = band
        self.logs = [0.0] * len(BETS)

    def bet(self, difference: float, centre: float, scale: float) -> None:
        """Settle the bets on a pair; `centre` and `scale` are those of the earlier pairs."""
        for index, gain in enumerate(self.gains(difference, centre, scale)):
            self.logs[index] += gain

    def gains(self, difference: float, centre: float, scale: float) -> list[float]:
        """Return the logarithm of the factor of each bet."""
        over = self._sign * (difference - self._shift)
        learned = max(self._band, self._sign * (centre - self._shift))
        return [
            log_gain(over, learned if bet.learns else self._band, bet.scale * scale) for bet in BETS
        ]

    @property
    def log(self) -> float:
        """The logarithm of the capital: of the mean of what each bet has made of 1."""
        best = max(self.logs)
        return best + math.log(sum(math.exp(log - best) for log in self.logs) / len(self.logs))

    @property
    def capital(self) -> float:
        """The e-value; a larger one than floats hold is the largest one's order."""
        return math.exp(min(self.log, SATURATED))


def log_gain(over: float, distance: float, scale: float) -> float:
    """Return the logarithm of the factor by which one bet multiplies its capital.

    The factor is 2 f(x - D) / (f(x - D) + f(x + D)), f the density of Student's t distribution with
    2 degrees of freedom, which is as (1 + (x / scale)^2 / 2)^(-3/2). The factors of x and of -x add
    up to 2.
    """
    unit = scale * math.sqrt(2)
    near = math.hypot(1, (over - distance) / unit)
    far = math.hypot(1, (over + distance) / unit)
    return math.log(2) - math.log1p((near / far) ** 3)


class SequentialTest:
    """The test of one cell. A verdict, once there is one, stays."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.differences: list[float] = []
        self.verdict: ChangeVerdict | None = None
        self.was_broken = False
        self.was_passed = False
        self._ordered: list[float] = []
        self._broken = Wager(0.0, +1, rule.band)
        self._passed = Wager(rule.band, -1, rule.band)

    def add(self, difference: float) -> None:
        """Take the next pair: ln(head / base).

        Raises: ValueError if it is no number.
        """
        if math.isnan(difference):
            raise ValueError("a difference of two times is a number")
        difference = max(-SATURATED, min(SATURATED, difference))
        if self.pairs >= LEARNED:
            self._broken.bet(difference, self.median, self.scale)
            self._passed.bet(difference, self.median, self.scale)
        self.differences.append(difference)
        insort(self._ordered, difference)
        self.was_broken |= self._broken.log >= math.log(self.rule.breaks)
        self.was_passed |= self._passed.log >= math.log(self.rule.passes)
        if self.verdict is None:
            self.verdict = self._decide()

    def _decide(self) -> ChangeVerdict | None:
        """Return the verdict; a bound counts as reached also where the capital has fallen again."""
        slower = self.median > self.rule.band / 2
        if self.was_broken and slower:
            return ChangeVerdict.BROKEN
        if self.was_passed and not slower:
            return ChangeVerdict.PASSED
        return ChangeVerdict.INCONCLUSIVE if self.pairs >= self.rule.most_pairs else None

    @property
    def pairs(self) -> int:
        return len(self.differences)

    @property
    def e_broken(self) -> float:
        """The e-value against "no change"."""
        return self._broken.capital

    @property
    def e_passed(self) -> float:
        """The e-value against "slower by the band"."""
        return self._passed.capital

    @property
    def median(self) -> float:
        """The median difference; 0 before the first pair."""
        return centre_of(self._ordered)

    @property
    def scale(self) -> float:
        """The scale of the differences."""
        return scale_of(self._ordered, self.rule.band)

    @property
    def needed(self) -> int | None:
        """The pairs, in all, that a verdict would take, about: if those to come are like these.

        None: it has one, there are too few pairs to tell, or no number of pairs would do.
        """
        if self.verdict in DECIDED or self.pairs <= LEARNED:
            return None
        slower = self.median > self.rule.band / 2
        wager, bound = (
            (self._broken, self.rule.breaks) if slower else (self._passed, self.rule.passes)
        )
        gains = [wager.gains(each, self.median, self.scale) for each in self.differences]
        best: float = max(sum(of_bet) / self.pairs for of_bet in zip(*gains, strict=True))
        left = math.log(bound) - wager.log
        if best <= 0 or left / best > OUT_OF_REACH:
            return None
        return self.pairs + max(1, math.ceil(left / best))


def centre_of(ordered: Sequence[float]) -> float:
    """Return the median of sorted values; 0 of none."""
    if not ordered:
        return 0.0
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


def scale_of(ordered: Sequence[float], band: float) -> float:
    """Return the scale of sorted values: their median absolute deviation, as a normal one's.

    Any positive scale that is known before the pair keeps the capital fair.
    """
    if not ordered:
        return NARROWEST * band
    count = len(ordered)
    lower, upper = (_nearest(ordered, (count + more) // 2) for more in (1, 2))
    return max(NORMAL * (lower + upper) / 2, NARROWEST * band)


def _nearest(ordered: Sequence[float], count: int) -> float:
    """Return how far from the median the `count` values nearest to it reach.

    They stand side by side; the place of the first one is found by halving.
    """
    centre = centre_of(ordered)
    low, high = 0, len(ordered) - count
    while low < high:
        middle = (low + high) // 2
        if centre - ordered[middle] > ordered[middle + count] - centre:
            low = middle + 1
        else:
            high = middle
    return max(centre - ordered[low], ordered[low + count - 1] - centre)
