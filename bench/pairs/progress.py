"""Progress of a comparison, from its journal: what a resumed one need not repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcbench.bench.decisions.gate.sequential import Rule, SequentialTest
from ipcbench.bench.results.comparison.comparison import ComparedCell, Comparison, difference
from ipcbench.bench.results.comparison.records import Pair
from ipcbench.bench.results.records import Round


@dataclass(slots=True)
class Begun:
    """The pairs of a round that has not ended, void ones included."""

    pairs: list[Pair] = field(default_factory=list)

    def void(self, cell: str) -> int:
        """Return the number of void attempts at a cell's pair, or that of the last of them."""
        void = [pair.attempt for pair in self.pairs if pair.cell == cell and pair.void]
        return max(void, default=0)

    def has(self, cell: str) -> bool:
        """Tell whether a cell has a pair that counts."""
        return any(pair.cell == cell and not pair.void for pair in self.pairs)

    @property
    def wall(self) -> float:
        return sum(run.wall for pair in self.pairs for run in pair.runs)

    @property
    def timed(self) -> float:
        return sum(run.timed for pair in self.pairs for run in pair.runs)


@dataclass(slots=True)
class PairProgress:
    """Progress of a comparison: the sizes of its runs (`Sized`), and the tests of its cells."""

    loops: dict[str, int] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    delays: dict[str, tuple[int, float]] = field(default_factory=dict)
    rates: dict[str, tuple[float, float]] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)
    rescales: Counter[str] = field(default_factory=Counter)
    failures: dict[str, int] = field(default_factory=dict)  # rounds in a row without a pair
    tests: dict[str, SequentialTest] = field(default_factory=dict)
    finished: int = 0  # the number of the last round that has ended
    begun: Begun = field(default_factory=Begun)  # the part of the next round that was played
    spent: float = 0.0  # seconds of comparing
    costs: dict[str, float] = field(default_factory=dict)  # cell -> seconds of its last pair
    played: Counter[str] = field(default_factory=Counter)  # pairs, void ones included
    start: float = 0.0  # seconds of the last start of the fork servers

    @classmethod
    def new(cls, rules: Mapping[str, Rule]) -> PairProgress:
        """Begin; `rules`: cell -> that of its test."""
        return cls(tests={cell: SequentialTest(rule) for cell, rule in rules.items()})

    @classmethod
    def of(cls, comparison: Comparison, rules: Mapping[str, Rule]) -> PairProgress:
        """Read the progress of a stopped comparison.

        Only pairs of complete rounds are judged: the steal of a round is known at its end.
        Cells that were given up are tried again.
        """
        progress = cls.new(rules)
        progress.spent = comparison.spent
        progress.finished = comparison.rounds[-1].round if comparison.rounds else 0
        for cell in comparison.measured:
            progress._take(cell)
        return progress

    def _take(self, cell: ComparedCell) -> None:
        identity, calibrated = cell.cell.id, cell.calibrated
        if calibrated is not None:
            self.loops[identity] = calibrated.loops
            self.stamps[identity] = calibrated.stamps
            self.delays[identity] = calibrated.turns, calibrated.slow_down
            self.rates[identity] = calibrated.capacity, calibrated.rate
            self.usual[identity] = calibrated.usual_foreign
            self.rescales[identity] += calibrated.round > 0
        for value, _ in cell.differences():
            self.tests[identity].add(value)
        self.begun.pairs += [pair for pair in cell.pairs if pair.number > self.finished]
        for pair in cell.pairs:
            self.paid(pair)

    @property
    def next(self) -> int:
        """The number of the next round."""
        return self.finished + 1

    def paid(self, pair: Pair) -> None:
        """Count a pair, and keep its seconds."""
        self.played[pair.cell] += 1
        self.costs[pair.cell] = sum(run.wall for run in pair.runs)

    def end(self, line: Round) -> list[str]:
        """End a round, and judge its pairs; return the cells that they have decided."""
        decided = []
        for pair in self.begun.pairs:
            stolen = bool(line.void) and any(map(line.disturbs, pair.runs))
            if pair.void or stolen:
                continue
            test = self.tests[pair.cell]
            was_open = test.verdict is None
            test.add(difference(pair))
            if was_open and test.verdict is not None:
                decided.append(pair.cell)
        self.finished = line.round
        self.begun = Begun()
        return decided
