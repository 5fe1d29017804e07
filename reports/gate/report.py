"""The report of a gate: what `check` and `compare` have found, for all formats of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from ipcbench.bench.results.entries.machine import MachineInfo


class GateVerdict(Enum):
    """The verdict on a promise, or on a cell of a comparison."""

    BROKEN = "broken"
    NOT_MEASURED = "not measured"
    INCONCLUSIVE = "inconclusive"
    KEPT = "kept"
    PASSED = "passed"
    NOT_APPLICABLE = "not applicable"

    @property
    def good(self) -> bool:
        """Tell whether nothing is to be done: it holds here, or is not promised here."""
        return self in (GateVerdict.KEPT, GateVerdict.PASSED, GateVerdict.NOT_APPLICABLE)


class Measure(Enum):
    """The meaning of the ratio of a line."""

    SPEED = "times as fast"  # time(than) / time(faster), of one run
    CHANGE = "head / base"
    BASELINE = "now / baseline"


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio with the limits of its interval; None: there is no limit on that side."""

    ratio: float
    low: float | None = None
    high: float | None = None


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a line: what was measured there, and its time. None: it was not measured."""

    name: str  # "base", "head", "faster", "than", "now", "baseline"
    cell: str
    seconds: float | None = None


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A promise, or a cell of a comparison, with its verdict.

    Attributes:
        name: the promise, or the id of the cell.
        why: the reason that the author of a promise gives for it; "" where there is none.
        bound: in words, such as "at least 1.5x".
        coverage: of the interval, with all corrections; None: not known.
        count: of what `counted` names, rounds or pairs.
        per: the unit of work that the seconds are for.
        reason: of the verdict; "" where it is good.
        remedy: the command that decides it, where the reason does not name it.
        remarks: further texts, also where the verdict is good.
        order: second / first of a pair, whatever the arm; None where nothing has an order.
        advisory: a broken line is shown as such and does not count for the exit code.
        promises: the names of the promises that made it a line of a comparison.
    """

    name: str
    verdict: GateVerdict
    measure: Measure
    sides: Sequence[Side] = ()
    effect: Interval | None = None
    coverage: float | None = None
    bound: str = ""
    count: int = 0
    counted: str = "rounds"
    per: str = ""
    reason: str = ""
    remedy: str = ""
    remarks: Sequence[str] = ()
    why: str = ""
    order: Interval | None = None
    advisory: bool = False
    promises: Sequence[str] = ()


class ArmLine(msgspec.Struct, frozen=True, kw_only=True):
    """An arm of a comparison: as it was asked for, and what that was."""

    name: str  # "base", "head"
    spec: str
    described: str
    version: str = ""
    python: str = ""


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """All lines of a gate, and what they are to be read with.

    Attributes:
        title: what was compared with what, in one line.
        source: the folder of the run.
        noun: of one line, "promise" or "cell".
        thresholds: the file of promises; "" where there is none.
        could_see: the sentence of the selftest of this machine; "" where it says nothing.
        order: second / first over all pairs; None where it is not known.
        notes: further lines for the reader.
    """

    title: str
    source: str
    lines: Sequence[GateLine]
    exit_code: int
    noun: str = "promise"
    thresholds: str = ""
    could_see: str = ""
    order: Interval | None = None
    notes: Sequence[str] = ()
    arms: Sequence[ArmLine] = ()
    machine: MachineInfo | None = None
    spent: float | None = None  # seconds of measuring

    @property
    def counts(self) -> dict[GateVerdict, int]:
        """The numbers of lines by verdict, the worst first, without those that are 0."""
        found = Counter(line.verdict for line in self.lines)
        return {verdict: found[verdict] for verdict in GateVerdict if found[verdict]}

    def of(self, verdict: GateVerdict) -> list[GateLine]:
        """Return the lines that have this verdict."""
        return [line for line in self.lines if line.verdict is verdict]


def exit_code(lines: Iterable[GateLine]) -> int:
    """Return 1 if any is broken, else 3 if any is not measured, else 2 if inconclusive, or 0.

    In that order: a broken promise matters most; and a cell that cannot be measured is worse than
    an inconclusive one, which more time decides. No line at all counts as not measured.
    """
    pool = list(lines)
    found = {one.verdict for one in pool if not one.advisory}
    if GateVerdict.BROKEN in found:
        return 1
    if GateVerdict.NOT_MEASURED in {one.verdict for one in pool} or not pool:
        return 3
    return 2 if GateVerdict.INCONCLUSIVE in found else 0
