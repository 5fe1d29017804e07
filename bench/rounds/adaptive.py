"""Choice of the contests, or promises, that go on behind a look of an adaptive sweep. Pure.

After a look, contests go on in the order of the runs that they still take, as many as the budget
bears to their next look. The choice is in the journal: a resumed sweep reads it, and never
chooses anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.contest import LOOKS, Contest, Times
from ipcbench.bench.decisions.looks import Judge, OpenContest
from ipcbench.bench.decisions.promises.looks import PromiseJudge
from ipcbench.bench.results.records import Looked
from ipcbench.bench.rounds.order import MINI

MOST_ROUNDS = 3 * LOOKS[-1]  # of a sweep: void runs are repeated, but not without end
RESERVE = 0.05  # share of the budget that is left which no choice spends: mini-rounds vary


@dataclass(frozen=True, slots=True)
class Prices:
    """Seconds that runs and mini-rounds take.

    Attributes:
        run: cell -> seconds of a run as measured, with what stands between two runs.
        usual: cell -> about its seconds, by which mini-rounds are padded.
        round: seconds of a mini-round beside its runs.
    """

    run: Mapping[str, float]
    usual: Mapping[str, float]
    round: float

    def of(self, rounds: Mapping[str, int]) -> float:
        """Return the seconds of mini-rounds in which each cell has so many runs."""
        total, last = 0.0, 0
        for number in sorted(set(rounds.values())):
            cells = [cell for cell, wanted in rounds.items() if wanted >= number]
            total += (number - last) * self._mini(cells)
            last = number
        return total

    def _mini(self, cells: Collection[str]) -> float:
        """Return the seconds of a mini-round of these cells, and of others that fill it."""
        padding = max(0.0, MINI - sum(self.usual[cell] for cell in cells))
        every = sum(self.run.values())
        slower = every / sum(self.usual[cell] for cell in self.run)
        filled = sum(self.run.get(cell, 0.0) for cell in cells) + slower * padding
        return self.round + min(filled, max(every, MINI))  # there may be too few others


class Adaptive:
    """The contests of an adaptive sweep between its rounds, or its promises.

    Attributes:
        goes_on: the cells of the mini-rounds; None: there was no look yet.
    """

    def __init__(self, judge: Judge | PromiseJudge, looks: Sequence[Looked]) -> None:
        """Begin with the looks of a journal."""
        self._judge = judge
        self._judge.resume(looks)
        self.goes_on = list(looks[-1].goes_on) if looks else None

    @property
    def open(self) -> int:
        """The number of contests without a verdict."""
        return sum(state.is_open for state in self._judge.states.values())

    def due(self, times: Times) -> int | None:
        """Return the rounds of the next look that is due, or None.

        Behind the base there is a look, whatever contests have its rounds: it tells what goes on.
        """
        return min(self._judge.due(times), default=LOOKS[0] if self.goes_on is None else None)

    def look(self, times: Times, rounds: int) -> Looked:
        """Take the look that is due."""
        found = self._judge.look(times, rounds)
        self.goes_on = self.goes_on or []
        return found

    def choose(
        self, times: Times, running: Collection[str], prices: Prices, left: float | None
    ) -> list[str]:
        """Choose the cells of the mini-rounds that follow.

        Args:
            running: the cells that still have runs.
            left: seconds of the budget; None: there is none.
        """
        wanted: dict[str, int] = {}
        for one in self.able(times, running):
            cells = _cells(one, times)
            missing = one.rounds - _own(cells, times)
            more = wanted | {cell: max(missing, wanted.get(cell, 0)) for cell in cells}
            if left is None or prices.of(more) <= left * (1 - RESERVE):
                wanted = more
        self.goes_on = sorted(wanted)
        return self.goes_on

    def able(self, times: Times, running: Collection[str]) -> list[OpenContest]:
        """Return the open contests that can go on to a next look."""
        known = {*running}
        return [
            one
            for one in self._judge.open()
            if (cells := _cells(one, times)) and known.issuperset(cells)
        ]

    def chosen(self, times: Times) -> list[Contest]:
        """Return the open contests whose cells go on."""
        return [one.contest for one in self.able(times, self.goes_on or ())]


def _cells(one: OpenContest, times: Times) -> list[str]:
    """Return the cells of an open contest that take part; none where a side has none."""
    cells = [cell for cell in one.cells if times.get(cell)]
    both = any(cell in one.contest.first for cell in cells) and any(
        cell in one.contest.second for cell in cells
    )
    return cells if both else []


def _own(cells: Sequence[str], times: Times) -> int:
    """Return the number of rounds that all of these cells have."""
    return len(set.intersection(*({*times[cell]} for cell in cells)))
