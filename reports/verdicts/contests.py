"""The contests of a run with their verdicts, each beside the cells that it is about.

The verdicts are those of `bench.decisions`: nothing is tested here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from ipcbench.bench.decisions.contest import Contest, Verdict
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.verdicts import ContestVerdict, Ratio
from ipcbench.reports.model import Measured, situation_order


@dataclass(frozen=True, slots=True)
class Comparison:
    """A contest and its verdict.

    `situation`: what its cells have in common. `first` and `second` are the binding pair: the
    rival that is hardest to beat, and the candidate that is best against it. Where the contest was
    not judged, they are the fastest of each side.
    """

    judged: ContestVerdict
    situation: Situation
    first: Measured
    second: Measured

    @property
    def contest(self) -> Contest:
        return self.judged.contest

    @property
    def verdict(self) -> Verdict:
        return self.judged.verdict

    @property
    def ratio(self) -> Ratio | None:
        """The speed of the first relative to the second, with the bounds of the contest's test."""
        return self.judged.ratio

    @property
    def size(self) -> int:
        return self.situation.size

    @property
    def is_open(self) -> bool:
        return self.verdict is Verdict.UNDECIDED

    @property
    def small(self) -> bool:
        """True where the difference is below the band."""
        one, most = self.ratio, 1 + self.contest.band
        return one is not None and 1 / most <= one.value <= most

    @property
    def inside(self) -> bool:
        """True where the whole interval is within the band."""
        one, most = self.ratio, 1 + self.contest.band
        return one is not None and 1 / most <= one.low and one.high <= most

    @property
    def outside(self) -> bool:
        """True where the whole interval is beyond the band."""
        one, most = self.ratio, 1 + self.contest.band
        return one is not None and (one.low > most or one.high < 1 / most)

    @property
    def order(self) -> tuple[object, ...]:
        """The sorting key of tables and lists."""
        return (situation_order(self.situation), self.contest.id)


def comparisons(verdicts: Iterable[ContestVerdict], cells: Iterable[Measured]) -> list[Comparison]:
    """Put each verdict beside its cells, sorted; contests without a figure are left out."""
    known = {one.cell.id: one for one in cells}
    found = [_comparison(each, known) for each in verdicts]
    return sorted((one for one in found if one is not None), key=lambda one: one.order)


def _comparison(judged: ContestVerdict, known: Mapping[str, Measured]) -> Comparison | None:
    first = [known[cell] for cell in judged.contest.first if cell in known]
    second = [known[cell] for cell in judged.contest.second if cell in known]
    if not first or not second:
        return None
    return Comparison(
        judged,
        common_situation([*first, *second]),
        known.get(judged.first) or _fastest(first),
        known.get(judged.second) or _fastest(second),
    )


def _fastest(cells: Sequence[Measured]) -> Measured:
    return min(cells, key=lambda one: (one.interval.median, one.cell.id))


def common_situation(cells: Sequence[Measured]) -> Situation:
    """Return what the situations of cells have in common.

    A task crosses one axis on purpose; an axis on which they differ has a neutral value.
    """
    first, *others = dict.fromkeys(one.situation for one in cells)
    return first.across(
        each.name
        for each in fields(Situation)
        if any(getattr(one, each.name) != getattr(first, each.name) for one in others)
    )
