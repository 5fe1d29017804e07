"""Reasons why a promise is inconclusive, each with what decides it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.decisions.promises.looks import BUDGET
from ipcbench.bench.decisions.promises.verdicts import Judgement, PromiseOutcome
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.gate.promises.kinds import times

BETWEEN = 0.01  # seconds between two runs
OF_A_ROUND = 1.3  # seconds of a mini-round, at least
AT_FIRST = 30.0  # seconds of calibration and warm-up
SPARE = 1.5  # machines vary, and void runs are repeated


@dataclass(frozen=True, slots=True)
class Again:
    """Commands that measure more: a new run until all promises are decided, or this one resumed.

    `run`: a new run of the promised cells.
    """

    until_decided: str
    resume: str
    run: str = "ipcbench run --promised FILE"

    def after(self, judgement: Judgement, results: Results, cells: Iterable[str]) -> str:
        """Return the command that decides these cells."""
        goes_on = judgement.taken and results.header.settings.adaptive
        if goes_on and (results.ended is None or results.ended.reason == "interrupted"):
            return self.resume
        seconds = _until_the_last_look(results, cells)
        if goes_on and results.ended is not None and results.ended.reason == "budget":
            return f"{self.resume} --budget {_minutes(seconds)}"
        command = self.until_decided
        return command if seconds <= BUDGET else f"{command} --budget {_minutes(seconds)}"


def _minutes(seconds: float) -> str:
    return f"{math.ceil(seconds / 60)}m"


def _until_the_last_look(results: Results, cells: Iterable[str]) -> float:
    """Return the seconds that a sweep of these cells may take until its last look."""
    walls = [
        median(run.wall for run in results.cells[cell].runs) + BETWEEN
        for cell in set(cells)
        if results.cells[cell].runs
    ]
    base, mini = LOOKS[0], LOOKS[-1] - LOOKS[0]
    # Of each cell there may be a control in the base.
    seconds = AT_FIRST + base * 2 * sum(walls) + mini * max(OF_A_ROUND, sum(walls))
    ended = results.ended is not None and results.ended.reason == "budget"
    return max(seconds * SPARE, 2 * results.spent if ended else 0.0)


def why_inconclusive(found: PromiseOutcome, looks: Sequence[int], command: str) -> str:
    """Explain why a promise has no verdict, and what decides it.

    Args:
        looks: the rounds after which it was judged.
        command: it goes on until all promises are decided.
    """
    if not found.judged:
        least = ENOUGH_ROUNDS if len(looks) == 1 else looks[0]
        return f"{found.rounds} rounds in common, a verdict takes {least}: {command}"
    reaches = f"the interval reaches over {_crossed(found)}"
    if 0 < found.needed <= LOOKS[-1] and found.rounds < LOOKS[-1]:
        return f"{reaches}; about {found.needed} rounds decide it: {command}"
    about = f"about {found.needed}" if found.needed else "too many"
    reaches = f"{reaches}; it would take {about} rounds, a sweep has {LOOKS[-1]} at most"
    if found.ratio is None or not 0 < found.ratio.low <= found.ratio.high < math.inf:
        return f"{reaches}: move the bound away from the ratio, and measure again: {command}"
    outside = f"{times(found.ratio.low)} to {times(found.ratio.high)}"
    return f"{reaches}: choose bounds outside of {outside}, and measure again: {command}"


def _crossed(found: PromiseOutcome) -> str:
    """Return the bounds that lie inside the interval."""
    bounds = [one for one in (found.promise.at_least, found.promise.at_most) if one is not None]
    ratio = found.ratio
    within = [one for one in bounds if ratio is not None and ratio.low <= one <= ratio.high]
    return " and ".join(map(times, within or bounds))
