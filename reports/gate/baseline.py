"""Check of a run against a stored run of the same machine, cell by cell.

The two runs are not interleaved: what changed on the machine between them counts as a change of
the code. So both must be of one machine, by its fingerprint; a placement on which equal cells
differ in one of the runs has no verdict; and a verdict must hold beside the cells of other
transports as well (`ipcbench.bench.decisions.promises.baseline`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from ipcbench.bench.decisions.promises.baseline import (
    FEW,
    BaselineOutcome,
    BoundedCell,
    judge_baseline,
)
from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.entries.distances import distances
from ipcbench.bench.results.entries.fingerprint import differences
from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.slowdowns import DECISIVE
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.absent import why_absent
from ipcbench.reports.gate.judge import doubt_of
from ipcbench.reports.gate.promises.choosing import Chosen, chosen, without_skipped
from ipcbench.reports.gate.promises.kinds import BaselinePromise, times
from ipcbench.reports.gate.report import GateLine, GateVerdict, Interval, Measure, Side
from ipcbench.reports.gate.thresholds import LONGEST_MESSAGE, BadThresholds, Thresholds
from ipcbench.reports.model import measured
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.trust import Trust, assess

MOVED = 0.05  # of the cells of other transports: the machine may have changed
LONGEST_ID = 100
MOST_LINES = 10_000
APART = "what changed on the machine between the two runs counts as a change as well"
_VERDICTS = {
    PromiseVerdict.KEPT: GateVerdict.KEPT,
    PromiseVerdict.BROKEN: GateVerdict.BROKEN,
    PromiseVerdict.INCONCLUSIVE: GateVerdict.INCONCLUSIVE,
    PromiseVerdict.NOT_MEASURED: GateVerdict.NOT_MEASURED,
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored run. `advisory`: taken also where the machine differs, and no alarm is raised."""

    folder: Path
    results: Results
    advisory: bool = False


def refuse(now: Results, baseline: Baseline) -> None:
    """Refuse a baseline that nothing can be compared with. Raises: BadThresholds."""
    before = baseline.results
    if now.header.clock != before.header.clock:
        raise BadThresholds(
            f"{baseline.folder}: measured by the clock {before.header.clock!r}, this run by "
            f"{now.header.clock!r}: store a run of this clock as the baseline"
        )
    if why := _apart(now, before):
        remedy = "measure the baseline on this machine, or take the verdicts as --advisory"
        if not baseline.advisory:
            raise BadThresholds(f"{baseline.folder}: no baseline for this run: {why}: {remedy}")


def _apart(now: Results, before: Results) -> str:
    """Say in what the machines of two runs differ; "" for one machine."""
    then, here = before.header.fingerprint, now.header.fingerprint
    if then is None or here is None:
        which = "the baseline" if then is None else "this run"
        return f"{which} has no fingerprint of its machine, since an older version measured it"
    return "; ".join(differences(then, here))


def check_baseline(
    thresholds: Thresholds, now: Results, baseline: Baseline, again: str
) -> list[GateLine]:
    """Check the cells of a run against a baseline; one line a promise and cell.

    Args:
        thresholds: those that apply to the machine.
        again: the command that measures the promised cells.

    Raises: BadThresholds where a promise selects no cell of the run.
    """
    pool = [result.cell for result in now.cells.values()]
    skipped = {result.cell.id for result in now.with_status(Status.SKIPPED)}
    found, left_out = [], []
    for promise in thresholds.baselines:
        selected = chosen(thresholds, promise, pool)
        kept = without_skipped(selected, skipped)
        ids = {one.cell.id for one in kept}
        found += [(promise, one) for one in kept]
        left_out += [(promise, one) for one in selected if one.cell.id not in ids]
    if len(found) + len(left_out) > MOST_LINES:
        raise BadThresholds(
            f"{thresholds.path}: over {MOST_LINES} cells against a baseline: name fewer"
        )
    check = _Check(now, baseline, again, counts=_counts([*found, *left_out]))
    return [*check.lines(found), *(check.left_out(*one) for one in left_out)]


def _counts(found: Sequence[tuple[BaselinePromise, Chosen]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for promise, _ in found:
        counts[promise.name] = counts.get(promise.name, 0) + 1
    return counts


class _Check:
    """A check of a run against a baseline.

    Args:
        counts: promise -> the number of its cells.
    """

    def __init__(
        self, now: Results, baseline: Baseline, again: str, counts: dict[str, int]
    ) -> None:
        self._now, self._before = now, baseline.results
        self._advisory, self._again, self._counts = baseline.advisory, again, counts
        self._names = {result.cell.present: key for key, result in self._before.cells.items()}
        self._trusts = [("this run", assess(now, measured(now)))]
        self._trusts.append(("the baseline", assess(self._before, measured(self._before))))

    def lines(self, found: Sequence[tuple[BaselinePromise, Chosen]]) -> list[GateLine]:
        """Return the lines of all cells, corrected together."""
        lacks = {(promise.name, one.cell.id): self._lack(one) for promise, one in found}
        bounded = [
            BoundedCell(promise.name, one.cell.id, self._names[one.cell.present], promise.at_most)
            for promise, one in found
            if not lacks[promise.name, one.cell.id]
        ]
        outcomes = {
            (one.cell.promise, one.cell.now): one
            for one in judge_baseline(self._now, self._before, bounded)
        }
        return [
            self._line(promise, one, lacks[key], outcomes.get(key))
            for promise, one in found
            for key in ((promise.name, one.cell.id),)
        ]

    def left_out(self, promise: BaselinePromise, one: Chosen) -> GateLine:
        """Return the line of a skipped cell that a pattern selects."""
        line = self._line(promise, one, why_absent(self._now.cells[one.cell.id]), None)
        reason = f"skipped: {line.reason}"
        return msgspec.structs.replace(line, verdict=GateVerdict.NOT_APPLICABLE, reason=reason)

    def _lack(self, one: Chosen) -> str:
        """Say why a cell cannot be judged; "" where it can."""
        cell = one_line(one.cell.id, LONGEST_ID)
        now = self._now.cells[one.cell.id]
        if why := why_absent(now):
            return f"{cell} has no figure in this run: {why}"
        key = self._names.get(one.cell.present)
        if key is None:
            return f"the baseline has no {cell}: store a run with it as the baseline: {self._again}"
        before = self._before.cells[key]
        if why := why_absent(before):
            return f"{cell} has no figure in the baseline: {why}"
        pers = [side.facts.per if side.facts else "" for side in (now, before)]
        if pers[0] != pers[1]:
            return (
                f"{cell} is the time of one {one_line(pers[0], 40)}, in the baseline that of one "
                f"{one_line(pers[1], 40)}: store a new baseline: {self._again}"
            )
        return ""

    def _line(
        self, promise: BaselinePromise, one: Chosen, lack: str, found: BaselineOutcome | None
    ) -> GateLine:
        cell = one.cell.id
        several = self._counts[promise.name] > 1
        line = GateLine(
            name=f"{promise.name}: {cell}" if several else promise.name,
            verdict=GateVerdict.NOT_MEASURED,
            measure=Measure.BASELINE,
            sides=[Side(name="now", cell=cell), Side(name="baseline", cell=cell)],
            bound=promise.bound,
            reason=lack,
            why=promise.reason,
            advisory=self._advisory,
            promises=[promise.name],
        )
        if found is None:
            return line
        now, before = self._now.cells[cell], self._before.cells[found.cell.before]
        verdict, reason = self._verdict(found, now, before)
        return msgspec.structs.replace(
            line,
            verdict=_VERDICTS[verdict],
            reason=reason,
            sides=[
                Side(name="now", cell=cell, seconds=median(now.by_round().values())),
                Side(name="baseline", cell=cell, seconds=median(before.by_round().values())),
            ],
            effect=_effect(found),
            coverage=found.coverage if found.judged else None,
            count=found.rounds,
            per=now.facts.per if now.facts else "",
            remarks=[_beside(found, one.cell.placement)],
        )

    def _verdict(
        self, found: BaselineOutcome, now: CellResult, before: CellResult
    ) -> tuple[PromiseVerdict, str]:
        """Return the verdict with its reason."""
        sides = (("this run", now), ("the baseline", before))
        if disturbed := [name for name, side in sides if side.disturbed]:
            reason = (
                f"disturbed in {' and in '.join(disturbed)}, where fewer than half of its rounds "
                f"count: measure again on an idle machine: {self._again}"
            )
            return PromiseVerdict.INCONCLUSIVE, reason
        if moved := _moved(now, before):
            return PromiseVerdict.INCONCLUSIVE, f"{moved}: measure again: {self._again}"
        placement = now.cell.placement
        if bad := [name for name, trust in self._trusts if _bad(trust, placement)]:
            reason = (
                f"identical cells differ on {place(placement)} in {' and in '.join(bad)}, so these "
                f"may differ by chance: measure again on an idle machine: {self._again}"
            )
            return PromiseVerdict.INCONCLUSIVE, reason
        return found.verdict, _why(found, self._again)


def _moved(now: CellResult, before: CellResult) -> str:
    """Say that the CPUs of a cell were farther apart in one of the runs; "" where they were not."""
    here, then = (distances(run.distance for run in side.good) for side in (now, before))
    if here is None or then is None or not here.differs(then):
        return ""
    return (
        f"its CPUs were moved: a cache line took {here} from one to the other and back, and "
        f"{then} in the baseline"
    )


def _beside(found: BaselineOutcome, placement: str) -> str:
    """Say how the cells of other transports moved between the runs."""
    cells = f"{found.others} cell{'' if found.others == 1 else 's'} of other transports"
    where = f"{cells} on {place(placement)}"
    if found.moved is None:
        return f"{where}, {FEW} would show if the machine changed"
    return f"{where}: {times(found.moved)} of the baseline (median)"


def _bad(trust: Trust, placement: str) -> bool:
    return trust.trusted(placement) is Severity.PROBLEM


def _effect(found: BaselineOutcome) -> Interval | None:
    ratio = found.ratio
    if ratio is None:
        return None
    if not 0 < ratio.low <= ratio.high < math.inf:
        return Interval(ratio=ratio.value)
    return Interval(ratio=ratio.value, low=ratio.low, high=ratio.high)


def _why(found: BaselineOutcome, again: str) -> str:
    """Return the reason of a verdict, with what to do; "" where the promise is kept."""
    bound = times(found.cell.at_most)
    if found.verdict is PromiseVerdict.KEPT:
        return ""
    if found.verdict is PromiseVerdict.BROKEN:
        return (
            f"the whole interval lies above {bound} of the baseline; {APART}: to tell them apart, "
            "measure both in turn: ipcbench compare --base REVISION"
        )
    if not found.judged:
        return (
            f"{found.rounds} rounds in one of the runs, a verdict takes {ENOUGH_ROUNDS} in both: "
            f"{again}"
        )
    if found.moved is not None and abs(math.log(found.moved)) > math.log(1 + MOVED):
        return (
            f"the interval reaches over {bound}, and the cells of other transports take "
            f"{times(found.moved)} of the baseline: the machine may have changed, so measure both "
            "in turn: ipcbench compare --base REVISION"
        )
    if not found.needed:
        return f"the interval reaches over {bound}: choose a bound farther from the ratio"
    return (
        f"the interval reaches over {bound}; about {found.needed} rounds of both runs decide it: "
        f"{again} --rounds {found.needed}"
    )


def about_baseline(now: Results, baseline: Baseline, lines: Sequence[GateLine]) -> Iterator[str]:
    """Yield what a reader of these lines must know of both runs."""
    before = baseline.results
    cells = [line.sides[0].cell for line in lines]
    placements = sorted({now.cells[cell].cell.placement for cell in cells})
    then = one_line(before.header.started, 40)
    yield f"The baseline is the run of {then}: {APART}."
    if apart := _apart(now, before):
        yield one_line(f"Advisory, not of one machine: {apart}.", LONGEST_MESSAGE)
    elif baseline.advisory:
        yield "Advisory: no broken bound of the baseline fails the check."
    if before.header.version != now.header.version:
        yield (
            f"The baseline was measured by ipcbench {one_line(before.header.version, 40)}, this "
            f"run by {one_line(now.header.version, 40)}."
        )
    then_, here = before.header.machine.settings, now.header.machine.settings
    changed = [
        f"{name} was {one_line(then_.get(name, 'not set'), 80)}, is "
        f"{one_line(here.get(name, 'not set'), 80)}"
        for name in DECISIVE
        if then_.get(name) != here.get(name)
    ]
    if changed:
        yield one_line(f"Settings changed since the baseline: {'; '.join(changed)}.", 600)
    for run in (now, before):
        text = doubt_of(assess(run, measured(run)), placements)
        if run is before:
            text = text.replace("This run", "The baseline", 1)
        if text:
            yield one_line(text, LONGEST_MESSAGE)
