"""Texts of the table of sizes: where shared memory wins, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.units import human_seconds, short_size
from ipcbench.reports.names import display, language, place, work
from ipcbench.reports.page.rows.ratios import Crossing, Wins
from ipcbench.reports.page.texts.phrases import times
from ipcbench.reports.page.texts.verdict_phrases import EARLY
from ipcbench.reports.verdicts.contests import Comparison


def row_place(one: Situation) -> str:
    """Name the language and the placement of a row: `Python, one core`."""
    return f"{language(one.runtime)}, {place(one.placement)}"


def row_pattern(one: Situation) -> str:
    """Name the pattern of a row in plain words."""
    return work(one.pattern)


def wins(one: Crossing) -> str:
    """Say where shared memory wins: `from 64 KiB on, not at 4 KiB`."""
    if one.wins is Wins.FROM and one.below is not None:
        below = "undecided" if one.below in one.open else "not"
        return f"{reach(one)}, {below} at {short_size(one.below)}"
    if one.wins is Wins.SOMEWHERE:
        return f"at {_sizes(one.sizes)}"
    if one.wins is Wins.UNDECIDED:
        return f"undecided at {_sizes(one.open)}"
    if one.only is not None:
        return f"at {short_size(one.only)}, the only size" if one.sizes else _never(one.only)
    return str(one.wins.value)


def reach(one: Crossing) -> str:
    """Say from which size on it wins: `from 64 KiB on`; of the largest alone, nothing is beyond."""
    start = short_size(one.sizes[0])
    return f"from {start} on" if len(one.sizes) > 1 else f"at {start}, the largest size"


def _never(size: int) -> str:
    return f"not at {short_size(size)}, the only size"


def _sizes(sizes: Sequence[int]) -> str:
    return ", ".join(map(short_size, sizes))


def ratio(one: Comparison) -> str:
    """Write the ratio of a contest so that it is above 1: `1.82x as fast`; "" where it has none.

    The mark before it says that it is undecided: a dash would say that nothing was measured.
    """
    if one.ratio is None:
        return ""
    mark = EARLY if one.judged.stopped_early else ""
    if one.ratio.value >= 1:
        return f"{times(one.ratio.value)}{mark} as fast"
    return f"{times(1 / one.ratio.value)}{mark} as slow"


def sides(one: Comparison) -> tuple[str, str]:
    """Write the times of both sides, the best shared memory first, the other with its name."""
    memory, other = one.first.interval.median, one.second.interval.median
    return human_seconds(memory), f"{display(one.second.cell.transport)}: {human_seconds(other)}"


FILTERS: Mapping[str, Callable[..., object]] = {
    "ratio_place": row_place,
    "ratio_pattern": row_pattern,
    "ratio_wins": wins,
    "ratio_words": ratio,
    "ratio_sides": sides,
}
