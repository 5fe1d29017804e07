"""The end of a sweep, in words: why it has few rounds, and how many of its runs are void. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS

MANY = 0.1  # share of void runs that is worth a word
LONG = 0.25  # share of a budget that calibrations and experiments should not take
LONGEST = 200  # characters of a reason, which a journal gives


def why_few(results: Results) -> str:
    """Say in one line why a sweep has fewer rounds than it should; "" where it has not."""
    ended = results.ended
    if ended is None or ended.reason == "interrupted" or not results.rounds:
        return ""
    voids = list(_voids(results))
    text = "; ".join([*_rounds(results, ended.reason), *voids])
    return f"{text}: `ipcbench doctor` says what to change" if voids else text


def _rounds(results: Results, reason: str) -> Iterator[str]:
    settings, budget = results.header.settings, results.budget
    full = sum(not one.mini and not one.void for one in results.rounds)
    fixed = settings.adaptive or budget is None
    wanted = settings.rounds if fixed else min(settings.rounds, ENOUGH_ROUNDS)
    if full >= wanted:
        return
    noun = "round of all cells counts" if full == 1 else "rounds of all cells count"
    spent = _spent(results, budget) if budget is not None and reason == "budget" else ""
    yield f"only {full} {noun}, of {wanted}{spent}"


def _spent(results: Results, budget: float) -> str:
    before = min((run.at - run.wall for run in _runs(results)), default=0.0)
    began = f", and the first began after {human_span(before)}" if before > LONG * budget else ""
    return f": the budget of {human_span(budget)} is spent{began}"


def _voids(results: Results) -> Iterator[str]:
    runs = list(_runs(results))
    void = [run.void for run in runs if run.void]
    if len(void) <= MANY * len(runs):
        return
    kinds = Counter(re.sub(r"\d+", "", why) for why in void)
    kind = kinds.most_common(1)[0][0]
    example = next(why for why in void if re.sub(r"\d+", "", why) == kind)
    yield (
        f"{len(void)} of {len(runs)} runs are void, which is no failure, most like this: "
        f"{one_line(example, LONGEST)}"
    )


def _runs(results: Results) -> Iterator[Run]:
    return (run for result in results.cells.values() for run in result.runs)
