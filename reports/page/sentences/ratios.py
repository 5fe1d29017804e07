"""The sentence about sizes: from which one on shared memory wins, and by how much."""

from __future__ import annotations

from ipcbench.bench.results.units import short_size
from ipcbench.reports.names import language, work
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows.ratios import RatioRow, RatioTable, Wins
from ipcbench.reports.page.sentences.words import where
from ipcbench.reports.page.texts.phrases import times
from ipcbench.reports.page.texts.ratio_phrases import reach, wins


def sentence(found: Found, table: RatioTable) -> str:
    """Say from which size on shared memory wins, of the row with most sizes that tells it."""
    rows = [row for row in table.rows if found.trusts(row.situation.placement)]
    if not rows:
        return ""
    telling = [row for row in rows if row.crossing.wins is Wins.FROM]
    telling = telling or [row for row in rows if row.crossing.sizes] or rows
    return _sentence(max(telling, key=lambda row: len(row.by_size)))


def _sentence(row: RatioRow) -> str:
    here, crossing = row.situation, row.crossing
    head = f"In {language(here.runtime)} {where(here.placement)} ({work(here.pattern)})"
    if not crossing.sizes:
        undecided = " decided" if crossing.wins is Wins.UNDECIDED else ""
        sizes = ", ".join(map(short_size, row.by_size))
        return f"{head}, shared memory has no{undecided} lead at {sizes}."
    each = " and ".join(
        f"{times(one.ratio.value)} as fast at {short_size(size)}"
        for size in dict.fromkeys((crossing.sizes[0], crossing.sizes[-1]))
        if (one := row.by_size[size]).ratio is not None
    )
    at = {
        Wins.FROM: reach(crossing),
        Wins.EVERYWHERE: wins(crossing) if crossing.only else "at every size that was measured",
    }.get(crossing.wins, f"at {', '.join(map(short_size, crossing.sizes))}")
    return f"{head}, shared memory wins {at}: {each} as the best other facility."
