"""The chapter's statements that hold one transport against another, pair by pair.

Each names beforehand whom it compares and what would make it true; each is a
family of tests of its own. `claims` has the statement about all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ipcbench.bench.results.axes import RUNTIMES
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval, holm, log_ratios, sign_test
from ipcbench.reports.model import ALPHA, Measured, Situation, rank, ratios
from ipcbench.reports.verdicts.claims import Verdict

BAND = 0.05  # two are equal where neither is faster by more than this


class Kind(Enum):
    """What is said of a pair (first, second)."""

    EQUAL = "equal within 5 %"
    FASTER = "the first is faster"


class Truth(Enum):
    """Of one cell. DIFFERS: significantly not as stated."""

    HOLDS = "holds"
    DIFFERS = "does not hold"
    OPEN = "cannot tell"
    TOO_FEW = "too few rounds"


@dataclass(frozen=True, slots=True)
class Statement:
    id: str
    section: str
    text: str
    kind: Kind
    pairs: tuple[tuple[str, str], ...]
    note: str = ""  # what is known of it elsewhere


STATEMENTS = (
    Statement(
        "pipe-beats-socket",
        "2.7.1",
        "Where a pipe would do, a socket is inefficient.",
        Kind.FASTER,
        (("pipe", "unix-stream"),),
    ),
    Statement(
        "fifo-is-pipe",
        "2.2.1",
        "A FIFO moves data as a pipe does; only the name differs.",
        Kind.EQUAL,
        (("fifo", "pipe"),),
        "A FIFO keeps time stamps, which has been seen to cost a few percent.",
    ),
    Statement(
        "unix-vs-tcp",
        "2.7",
        "The same calls serve inside and between machines; inside, the network's stack is to be "
        "spared: a Unix domain socket is faster than TCP over loopback.",
        Kind.FASTER,
        (("unix-stream", "tcp"),),
    ),
    Statement(
        "sysv-is-posix, memory",
        "1.2",
        "System V and POSIX shared memory are the same mechanism.",
        Kind.EQUAL,
        (("shm:sysv+posix-sem", "shm:posix+posix-sem"),),
    ),
    Statement(
        "sysv-is-posix, queues",
        "1.2",
        "System V and POSIX message queues are the same mechanism.",
        Kind.EQUAL,
        (("sysv-queue", "posix-queue"),),
        "Each has the depth that the kernel gives it, and the two differ in that.",
    ),
    Statement(
        "sysv-is-posix, semaphores",
        "1.2",
        "System V and POSIX semaphores are the same mechanism.",
        Kind.EQUAL,
        (("sysv-sem", "posix-sem"), ("shm:posix+sysv-sem", "shm:posix+posix-sem")),
        "Kerrisk: a POSIX semaphore that is free is taken without a system call.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """Two transports in one situation. `ratio`: how many times as fast the first is.

    The p-values, adjusted over the statement's family, are of "as stated" and
    of "otherwise".
    """

    situation: Situation
    size: int
    first: Measured
    second: Measured
    ratio: Interval | None
    p_holds: float
    p_differs: float
    truth: Truth


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a statement. Each loop is a family of tests of its own, as for the claims."""

    statement: Statement
    compared: list[Compared]

    @property
    def verdict(self) -> Verdict:
        """On all loops together."""
        return _verdict([one.truth for one in self.compared])

    def by_runtime(self) -> list[tuple[str, Judgement]]:
        kinds: dict[str, list[Compared]] = {}
        for one in self.compared:
            kinds.setdefault(one.situation.runtime, []).append(one)
        return [(name, Judgement(self.statement, kinds[name])) for name in _in_order(kinds)]

    @property
    def family(self) -> int:
        """Number of tests that were corrected for together: the larger loop's."""
        return max(2 * sum(one.truth is not Truth.TOO_FEW for one in part.compared)
                   for _, part in self.by_runtime())  # fmt: skip

    @property
    def enough(self) -> int:
        """Rounds with which a cell is decided in which all of them agree."""
        return max(ENOUGH_ROUNDS, math.ceil(math.log2(max(1, self.family) / ALPHA)))

    @property
    def rounds(self) -> int:
        return max((one.ratio.n for one in self.compared if one.ratio), default=0)

    def count(self, truth: Truth) -> int:
        return sum(one.truth is truth for one in self.compared)

    def of(self, pair: tuple[str, str]) -> list[Compared]:
        return [
            one
            for one in self.compared
            if (one.first.cell.transport, one.second.cell.transport) == pair
        ]


def judged(cells: Iterable[Measured]) -> list[Judgement]:
    """All statements of which the data have at least one pair."""
    place: dict[tuple[str, Situation, int], Measured] = {}
    for one in cells:
        if one.competes:
            place[one.cell.transport, one.situation, one.cell.size] = one
    found = [_judge(statement, place) for statement in STATEMENTS]
    return [one for one in found if one.compared]


def _judge(statement: Statement, place: dict[tuple[str, Situation, int], Measured]) -> Judgement:
    compared = [
        _compare(statement.kind, one, place[second, situation, size])
        for first, second in statement.pairs
        for (name, situation, size), one in place.items()
        if name == first and (second, situation, size) in place
    ]
    decided = [
        one
        for runtime in _in_order({one.situation.runtime for one in compared})
        for one in _correct([one for one in compared if one.situation.runtime == runtime])
    ]
    return Judgement(statement, decided)


def _in_order(runtimes: Iterable[str]) -> list[str]:
    return sorted(runtimes, key=lambda one: rank(RUNTIMES, one))


def _correct(compared: Sequence[Compared]) -> list[Compared]:
    """Holm over both directions of all that have enough rounds; decide them."""
    family = [one for one in compared if one.truth is not Truth.TOO_FEW]
    adjusted = iter(holm([p for one in family for p in (one.p_holds, one.p_differs)]))
    return [
        one if one.truth is Truth.TOO_FEW else _decide(one, next(adjusted), next(adjusted))
        for one in compared
    ]


def _compare(kind: Kind, first: Measured, second: Measured) -> Compared:
    """Sign tests over rounds, for what is stated and against it, not yet corrected."""
    sample = log_ratios(second.times, first.times)  # above 0: the first is faster
    if kind is Kind.FASTER:
        holds, differs = _above(sample, 0.0), _below(sample, 0.0)
    else:
        band = math.log1p(BAND)
        holds = max(_above(sample, -band), _below(sample, band))
        differs = min(1.0, 2 * min(_above(sample, band), _below(sample, -band)))
    truth = Truth.OPEN if len(sample) >= ENOUGH_ROUNDS else Truth.TOO_FEW
    return Compared(
        first.situation,
        first.cell.size,
        first,
        second,
        ratios(second, first),
        holds,
        differs,
        truth,
    )


def _above(sample: Sequence[float], bound: float) -> float:
    return sign_test(sample, bound)


def _below(sample: Sequence[float], bound: float) -> float:
    return sign_test([-value for value in sample], -bound)


def _decide(one: Compared, p_holds: float, p_differs: float) -> Compared:
    truth = Truth.OPEN
    if p_holds <= ALPHA:
        truth = Truth.HOLDS
    elif p_differs <= ALPHA:
        truth = Truth.DIFFERS
    return replace(one, p_holds=p_holds, p_differs=p_differs, truth=truth)


def _verdict(truths: Sequence[Truth]) -> Verdict:
    """As for the claims: it speaks of all cells."""
    seen = set(truths) - {Truth.TOO_FEW}
    if not seen:
        return Verdict.NONE
    if Truth.DIFFERS in seen:
        return Verdict.DEPENDS if Truth.HOLDS in seen else Verdict.REFUTED
    return Verdict.INCONCLUSIVE if Truth.OPEN in seen else Verdict.SUPPORTED
