"""The gate's first threshold: a run held against promises between its cells.

Each round gives one pair, so a verdict rests on paired log ratios and their
order-statistic interval (`ipcbench.bench.stats`), and on nothing else; and a run whose
controls show that it is not to be trusted (`ipcbench.reports.verdicts.trust`) passes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

import msgspec

from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import CONFIDENCE, ENOUGH_ROUNDS, log_ratios, median_interval
from ipcbench.reports.gate.thresholds import (
    LONGEST_MESSAGE,
    BadThresholds,
    Promise,
    Thresholds,
    pair,
    times,
)
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts import trust
from ipcbench.reports.verdicts.trust import Trust, Weight


class Verdict(Enum):
    KEPT = "kept"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one promise. `ratio`, `low`, `high`: times as fast, None where unknown.

    `faster` and `than` are ids of cells. `reason` is empty where the promise
    is kept; `remarks` are what should be known of it all the same.
    """

    promise: str
    verdict: Verdict
    reason: str
    faster: str
    than: str
    bound: str
    at_least: float | None
    at_most: float | None
    per: str  # what the seconds are the time of
    rounds: int
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    seconds_faster: float | None = None
    seconds_than: float | None = None
    remarks: list[str] = []


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of all promises, in the file's order, and whether the run is to be trusted.

    `doubt`: one line, why the run is trusted with reserve or not at all; ""
    where nothing speaks against it.
    """

    promises: Sequence[Judgement]
    trust: Weight
    doubt: str = ""


# The verdicts.


def judge(thresholds: Thresholds, results: Results) -> Judged:
    """Raises: BadThresholds where a promise does not fit this run."""
    cells = [result.cell for result in results.cells.values()]
    judgements = [
        _judge(
            thresholds,
            promise,
            *(results.cells[cell.id] for cell in pair(thresholds, promise, cells)),
        )
        for promise in thresholds.promises
    ]
    found = trust.judge(results, measured(results))
    return Judged(judgements, found.weight, _doubt(found))


def _doubt(found: Trust) -> str:
    if found.weight < Weight.WARNING:
        return ""
    bad = [
        f"{control.cell.id} came out {times(control.ratio.median)} its original "
        f"({times(control.ratio.low)} to {times(control.ratio.high)})"
        for control in found.controls
        if control.weight is Weight.BAD and control.ratio is not None
    ]
    reasons = bad or [reason.rstrip(".") for reason in found.reasons]
    return one_line(f"{found.headline} {'; '.join(reasons)}", LONGEST_MESSAGE)


def _judge(
    thresholds: Thresholds, promise: Promise, faster: CellResult, than: CellResult
) -> Judgement:
    pers = [result.facts.per for result in (faster, than) if result.facts is not None]
    if len(set(pers)) > 1:
        raise BadThresholds(
            f"{thresholds.path}: promise {promise.name!r}: {faster.cell.id} is the time of one "
            f"{pers[0]}, {than.cell.id} that of one {pers[1]}: these are not comparable"
        )
    judgement = Judgement(
        promise=promise.name,
        verdict=Verdict.NOT_MEASURED,
        reason="; ".join(filter(None, map(_missing, (faster, than)))),
        faster=faster.cell.id,
        than=than.cell.id,
        bound=promise.bound,
        at_least=promise.at_least,
        at_most=promise.at_most,
        per=pers[0] if pers else "",
        rounds=0,
        remarks=[remark for result in (faster, than) for remark in _remarks(result)],
    )
    if judgement.reason:
        return judgement
    quick, slow = faster.by_round(), than.by_round()
    logs = log_ratios(slow, quick)
    few = f"{len(logs)} rounds in common, {ENOUGH_ROUNDS} are the least for a verdict: measure more"
    if not logs:
        return msgspec.structs.replace(judgement, verdict=Verdict.INCONCLUSIVE, reason=few)
    interval = median_interval(logs)
    if interval.coverage < CONFIDENCE:
        verdict, reason = Verdict.INCONCLUSIVE, few
    else:
        verdict, reason = _verdict(promise, interval.low, interval.high)
    ratios = interval.exp()
    rounds = quick.keys() & slow.keys()
    return msgspec.structs.replace(
        judgement,
        verdict=verdict,
        reason=reason,
        rounds=interval.n,
        ratio=ratios.median,
        low=ratios.low,
        high=ratios.high,
        coverage=interval.coverage,
        seconds_faster=median(quick[number] for number in rounds),
        seconds_than=median(slow[number] for number in rounds),
    )


def _verdict(promise: Promise, low: float, high: float) -> tuple[Verdict, str]:
    """`low` and `high` are log ratios, as the bounds become."""
    least = -math.inf if promise.at_least is None else math.log(promise.at_least)
    most = math.inf if promise.at_most is None else math.log(promise.at_most)
    if least <= low and high <= most:
        return Verdict.KEPT, ""
    if high < least:
        return Verdict.BROKEN, f"the whole interval lies below {times(math.exp(least))}"
    if low > most:
        return Verdict.BROKEN, f"the whole interval lies above {times(math.exp(most))}"
    within = [times(math.exp(bound)) for bound in (least, most) if low <= bound <= high]
    return Verdict.INCONCLUSIVE, f"the interval reaches over {' and '.join(within)}: measure more"


def _missing(result: CellResult) -> str:
    """Why a cell has no figure, "" where it has one."""
    cell = one_line(result.cell.id, 100)
    if result.status is Status.SKIPPED and result.skipped is not None:
        remedy = f" ({result.skipped.remedy})" if result.skipped.remedy else ""
        return f"{cell} was skipped: {one_line(result.skipped.reason + remedy)}"
    if result.status is Status.FAILED:
        if result.failures:
            last = result.failures[-1]
            remedy = f" ({last.remedy})" if last.remedy else ""
            what = one_line(f"{last.who}, {last.where}: {last.what}{remedy}")
            return f"{cell} failed: {what}"
        return f"{cell}: every run is void: {one_line(result.runs[-1].void)}"
    if result.status is Status.PENDING:
        return f"{cell}: the sweep ended before its first run"
    return ""


def _remarks(result: CellResult) -> list[str]:
    if result.status is not Status.OK or not result.failures:
        return []
    last = result.failures[-1]
    return [
        f"{one_line(result.cell.id, 100)}: {len(result.failures)} runs came to nothing "
        f"({one_line(f'{last.who}, {last.where}: {last.what}')})"
    ]


def exit_code(judged: Judged) -> int:
    """1 some broken, else 3 some not measured, else 2 some inconclusive, else 0 all kept.

    In that order: a broken promise is the news, whatever else is missing; and
    what could not be measured is worse than what could not be told, since
    measuring longer does not help. No promises at all: nothing was measured.
    Where identical cells differ, so may those of a promise: all kept is then
    inconclusive. What a bad run breaks stays broken: to look at, not to pass.
    """
    found = {judgement.verdict for judgement in judged.promises}
    if Verdict.BROKEN in found:
        return 1
    if Verdict.NOT_MEASURED in found or not found:
        return 3
    if Verdict.INCONCLUSIVE in found or judged.trust is Weight.BAD:
        return 2
    return 0


# For machines, and for people.


def to_json(judged: Judged) -> dict[str, object]:
    """Plain dicts, lists, text and numbers."""
    return {
        "exit_code": exit_code(judged),
        "counts": _counts(judged.promises),
        "trust": judged.trust.name.lower(),
        "doubt": judged.doubt,
        "promises": [msgspec.to_builtins(judgement) for judgement in judged.promises],
    }


def render(judged: Judged) -> str:
    """A table, why what is not kept is not, doubts of the run, then one line that counts."""
    head = ("promise", "verdict", "ratio", "interval", "coverage", "rounds", "bound")
    table = [head, *map(_row, judged.promises)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    for judgement in judged.promises:
        said = [judgement.reason] if judgement.reason else []
        if said and judgement.seconds_faster is not None and judgement.seconds_than is not None:
            said.append(
                f"{judgement.faster} takes {human_seconds(judgement.seconds_faster)}, "
                f"{judgement.than} {human_seconds(judgement.seconds_than)} a {judgement.per}"
            )
        said += judgement.remarks
        if said:
            lines += ["", f"{one_line(judgement.promise)}: {judgement.verdict.value}"]
            lines += [f"  {one_line(text, LONGEST_MESSAGE)}" for text in said]
    if judged.doubt:
        lines += ["", one_line(judged.doubt, LONGEST_MESSAGE)]
    counts = ", ".join(f"{n} {name}" for name, n in _counts(judged.promises).items() if n)
    nothing_passes = f"{counts}, and the run is not to be trusted: inconclusive"
    passed_but = judged.trust is Weight.BAD and exit_code(judged) == 2
    return "\n".join([*lines, "", (nothing_passes if passed_but else counts) or "no promises"])


def _row(judgement: Judgement) -> tuple[str, ...]:
    ratio, low, high = judgement.ratio, judgement.low, judgement.high
    return (
        one_line(judgement.promise, 48),
        judgement.verdict.value,
        "-" if ratio is None else times(ratio),
        "-" if low is None or high is None else f"{times(low)} to {times(high)}",
        "-" if judgement.coverage is None else f"{100 * judgement.coverage:.1f} %",
        str(judgement.rounds),
        judgement.bound,
    )


def _counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    found = Counter(judgement.verdict for judgement in judgements)
    return {verdict.value: found[verdict] for verdict in Verdict}
