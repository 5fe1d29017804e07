"""Finding about an adaptive sweep: do runs take as long in mini-rounds as in base rounds?"""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.decisions.comparison import log_ratio
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.stats import ENOUGH_ROUNDS, Interval, median_interval
from ipcbench.reports.model import Measured
from ipcbench.reports.verdicts.finding import SHARE_TO_NOTE, Finding, many

FEWEST = 3  # rounds of each kind that a cell needs


def about_mini_rounds(results: Results, cells: Sequence[Measured]) -> list[Finding]:
    """Compare the rounds of all cells with those of open contests alone, over all cells."""
    ratio = ratio_of(results, cells)
    if ratio is None or not ratio.verdict_possible:
        return []
    spans = f"({ratio.low:.3f} to {ratio.high:.3f}, the median of {many(ratio.n, 'cell')})"
    if ratio.low <= 1 <= ratio.high:
        text = f"Runs take as long in mini-rounds as in base rounds {spans}."
        return [Finding(Severity.OK, text)]
    text = (
        f"A run in a mini-round takes {ratio.median:.3f} times as long as one in a base round "
        f"{spans}: the rounds of a contest that went on differ from those before."
    )
    far = ratio.low > 1 + SHARE_TO_NOTE or ratio.high < 1 - SHARE_TO_NOTE
    return [Finding(Severity.WARNING if far else Severity.NOTE, text)]


def ratio_of(results: Results, cells: Sequence[Measured]) -> Interval | None:
    """Return the time in mini-rounds divided by that in base rounds, over cells."""
    import numpy as np

    minis = {one.round for one in results.rounds if one.mini}
    shifts = []
    for one in cells:
        base = [time for number, time in one.times.items() if number not in minis]
        mini = [time for number, time in one.times.items() if number in minis]
        if min(len(base), len(mini)) >= FEWEST:
            shifts.append(float(log_ratio(np.log(base), np.log(mini))))
    return median_interval(shifts).exp() if len(shifts) >= ENOUGH_ROUNDS else None
