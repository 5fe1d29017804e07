"""Check of a run against its promises, which are ratios between its cells.

The verdicts are those of `ipcbench.bench.decisions.promises`, which a sweep until all is decided
uses as well. Where the run cannot be trusted on a placement (`ipcbench.reports.verdicts.trust`), no
promise about cells there is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from ipcbench.bench.decisions.promises.looks import PromisedRatio, PromiseVerdict, common_rounds
from ipcbench.bench.decisions.promises.verdicts import Judgement, PromiseOutcome, judge_promises
from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.absent import why_absent
from ipcbench.reports.gate.promises.kinds import RatioPromise, times
from ipcbench.reports.gate.promises.pairs import pair
from ipcbench.reports.gate.remedy import Again, why_inconclusive
from ipcbench.reports.gate.thresholds import LONGEST_MESSAGE, BadThresholds, Thresholds
from ipcbench.reports.model import measured
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.trust import Trust, assess

COMMANDS = Again("ipcbench run --promised FILE --until-decided", "ipcbench run --resume DIR")


class PromiseResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one promise. `ratio`, `low`, `high`: times as fast, None where unknown.

    `faster` and `than` are ids of cells. `reason` is empty where the promise
    is kept; `remarks` may be present then, too.
    """

    promise: str
    verdict: PromiseVerdict
    reason: str
    faster: str
    than: str
    bound: str
    at_least: float | None
    at_most: float | None
    per: str  # the unit of work that the seconds are for
    rounds: int
    why: str = ""  # the author's reason for the promise
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    seconds_faster: float | None = None
    seconds_than: float | None = None
    remarks: list[str] = []


@dataclass(frozen=True, slots=True)
class GateResult:
    """The results of all promises, in the order of the file, and the trust in the run.

    `trust`: on the placements of the promised cells. `doubt`: one line with the reasons for
    reservations or distrust there; "" where there are none. `note`: one line that says by which
    looks the promises are judged; "" where these are those of the sweep.
    """

    promises: Sequence[PromiseResult]
    trust: Severity
    doubt: str = ""
    note: str = ""


# The verdicts.


def check_promises(thresholds: Thresholds, results: Results, again: Again = COMMANDS) -> GateResult:
    """Check a run against its promises.

    Args:
        again: the commands that measure more.

    Raises: BadThresholds where a promise does not fit this run.
    """
    cells = [result.cell for result in results.cells.values()]
    found = [
        _before(
            thresholds,
            promise,
            *(results.cells[cell.id] for cell in pair(thresholds, promise, cells)),
        )
        for promise in thresholds.ratios
    ]
    judgement = judge_promises(results, promised(found, results))
    outcomes = {one.promise.id: one for one in judgement.outcomes}
    cells_of_all = (cell for one in found for cell in (one.faster, one.than))
    command = again.after(judgement, results, cells_of_all)
    trust = assess(results, measured(results))
    checked = [
        one
        if one.reason
        else _trusted(
            _check(one, outcomes[one.promise], results, judgement, command), results, trust, command
        )
        for one in found
    ]
    placements = sorted({name for one in found for name in _placements(one, results)})
    severity = _severity(trust, placements)
    doubt = doubt_of(trust, placements)
    return GateResult(checked, severity, doubt, _note(judgement, results))


def _placements(one: PromiseResult, results: Results) -> set[str]:
    return {results.cells[cell].cell.placement for cell in (one.faster, one.than)}


def _trusted(one: PromiseResult, results: Results, trust: Trust, command: str) -> PromiseResult:
    """Keep no promise about a placement on which equal cells differ; a broken one stays broken."""
    placements = _placements(one, results)
    bad = sorted(name for name in placements if trust.trusted(name) is Severity.PROBLEM)
    if one.verdict is not PromiseVerdict.KEPT or not bad:
        return one
    where = " and ".join(map(place, bad))
    reason = (
        f"identical cells differ on {where}, so these may differ by chance: measure again on an "
        f"idle machine: {command}"
    )
    return msgspec.structs.replace(one, verdict=PromiseVerdict.INCONCLUSIVE, reason=reason)


def promised(found: Sequence[PromiseResult], results: Results) -> list[PromisedRatio]:
    """Return the promises whose cells are measured: they are corrected together."""
    return [
        PromisedRatio(one.promise, one.faster, one.than, one.at_least, one.at_most)
        for one in found
        if results.is_measured(one.faster) and results.is_measured(one.than)
    ]


def _note(judgement: Judgement, results: Results) -> str:
    if judgement.taken or not judgement.outcomes:
        return ""
    rounds = judgement.looks[0]
    by = "its base" if results.header.settings.adaptive else "the run"
    return (
        f"The journal has no looks at these promises: they are judged once, by the {rounds} "
        f"{'round' if rounds == 1 else 'rounds'} of {by}."
    )


def _severity(trust: Trust, placements: Sequence[str]) -> Severity:
    return max((trust.trusted(one) for one in placements), default=trust.severity)


def doubt_of(trust: Trust, placements: Sequence[str]) -> str:
    """Give the reasons for reservations or distrust on placements; "" where there are none."""
    severity = _severity(trust, placements)
    if severity < Severity.WARNING:
        return ""
    if severity < trust.severity:  # another placement is worse
        return one_line("; ".join(map(trust.line, placements)), LONGEST_MESSAGE)
    bad = [
        f"{control.cell.id} took {times(control.ratio.median)} the time of its original "
        f"({times(control.ratio.low)} to {times(control.ratio.high)})"
        for control in trust.controls
        if control.severity is Severity.PROBLEM
        and control.ratio is not None
        and control.cell.placement in placements
    ]
    if not bad:
        return one_line(trust.explained, LONGEST_MESSAGE)
    return one_line(f"{trust.headline.rstrip('.')}, because {'; '.join(bad)}.", LONGEST_MESSAGE)


def _before(
    thresholds: Thresholds, promise: RatioPromise, faster: CellResult, than: CellResult
) -> PromiseResult:
    """Return a promise before it is judged; `reason`: why it cannot be."""
    pers = [side.facts.per for side in (faster, than) if side.facts is not None]
    if len(set(pers)) > 1:
        raise BadThresholds(
            f"{thresholds.path}: promise {promise.name!r}: {faster.cell.id} is the time of one "
            f"{pers[0]}, {than.cell.id} that of one {pers[1]}: these are not comparable"
        )
    return PromiseResult(
        promise=promise.name,
        verdict=PromiseVerdict.NOT_MEASURED,
        reason="; ".join(filter(None, map(_missing, (faster, than)))),
        faster=faster.cell.id,
        than=than.cell.id,
        bound=promise.bound,
        at_least=promise.at_least,
        at_most=promise.at_most,
        per=pers[0] if pers else "",
        rounds=0,
        why=promise.reason,
        remarks=[remark for side in (faster, than) for remark in _remarks(side)],
    )


def _check(
    before: PromiseResult,
    found: PromiseOutcome,
    results: Results,
    judgement: Judgement,
    command: str,
) -> PromiseResult:
    sides = results.cells[before.faster], results.cells[before.than]
    verdict, reason = found.verdict, _why_broken(found)
    if verdict is PromiseVerdict.INCONCLUSIVE:
        reason = why_inconclusive(found, judgement.looks, command)
    disturbed = [one_line(side.cell.id, 100) for side in sides if side.disturbed]
    if disturbed:
        verdict = PromiseVerdict.INCONCLUSIVE
        reason = (
            f"disturbed, fewer than half of the rounds count: {', '.join(disturbed)}; measure "
            f"again on an idle machine: {command}; or on one that is never idle, with "
            "--keep-disturbed"
        )
    result = msgspec.structs.replace(before, verdict=verdict, reason=reason, rounds=found.rounds)
    of_faster, of_than = (side.by_round() for side in sides)
    rounds = common_rounds(found.promise, {before.faster: of_faster, before.than: of_than})
    if not rounds:
        return result
    return msgspec.structs.replace(
        result,
        **_figures(found),
        seconds_faster=median(of_faster[number] for number in rounds),
        seconds_than=median(of_than[number] for number in rounds),
    )


def _figures(found: PromiseOutcome) -> dict[str, float]:
    """Return the ratio and its interval, as far as they are known."""
    ratio = found.ratio
    if ratio is None:
        return {}
    if not 0 < ratio.low <= ratio.high < math.inf:
        return {"ratio": ratio.value}
    limits = {"low": ratio.low, "high": ratio.high, "coverage": found.coverage}
    return {"ratio": ratio.value, **limits}


def _why_broken(found: PromiseOutcome) -> str:
    """Say beyond which bound a broken promise is; "" for any other."""
    if found.verdict is not PromiseVerdict.BROKEN:
        return ""
    least, most = found.promise.at_least, found.promise.at_most
    below = least is not None and (most is None or found.ratio is None or found.ratio.value < least)
    where, bound = ("below", least) if below else ("above", most)
    return f"the whole interval lies {where} {times(bound or 0.0)}"


def _missing(result: CellResult) -> str:
    """Explain why a cell has no result; "" where it has one."""
    why = why_absent(result)
    how = {Status.SKIPPED: " was skipped", Status.FAILED: " failed"}.get(result.status, "")
    return f"{one_line(result.cell.id, 100)}{how}: {why}" if why else ""


def _remarks(result: CellResult) -> list[str]:
    if result.status is not Status.OK or not result.failures:
        return []
    last = result.failures[-1]
    number = len(result.failures)
    return [
        f"{one_line(result.cell.id, 100)}: {number} {'run' if number == 1 else 'runs'} failed "
        f"({one_line(f'{last.who}, {last.where}: {last.what}')})"
    ]
