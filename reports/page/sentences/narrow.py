"""The sentence about a narrow run: the fastest and the slowest of the work with most cells."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import short_size
from ipcbench.reports.charts.captions import manner_phrases
from ipcbench.reports.names import a_unit, display, language
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows.narrow import NarrowRow, work_of
from ipcbench.reports.page.sentences.words import time_of, where
from ipcbench.reports.page.texts.phrases import marked_ratio


def sentence(found: Found, rows: Sequence[NarrowRow]) -> str:
    """Compare the fastest cell and the slowest one of one kind of work."""
    trusted = [row for row in rows if found.trusts(row.measured.cell.placement)]
    works: dict[tuple[object, ...], list[NarrowRow]] = {}
    for row in trusted:
        works.setdefault(work_of(row.measured), []).append(row)
    some = max(works.values(), key=len, default=[])
    if not some:
        return ""
    first, last = some[0], some[-1]
    cell, unit = first.measured.cell, a_unit(first.measured.facts.per)
    size = f" of {short_size(cell.size)}" if cell.size else ""
    text = (
        f"{unit[:1].upper()}{unit[1:]}{size}{_manner(cell)} {where(cell.placement)} takes "
        f"{time_of(first.measured)} through {_told(first)}"
    )
    if last.ratio is None:
        return f"{text}."
    return f"{text}, and {marked_ratio(last.ratio)} as long through {_told(last)}."


def _manner(cell: Cell) -> str:
    """Name what is peculiar to the work, since other cells of the run may have other work."""
    several = [f"{cell.processes} processes"] if cell.processes > 2 else []
    parts = [*several, *manner_phrases(cell)]
    return f" ({', '.join(parts)})" if parts else ""


def _told(row: NarrowRow) -> str:
    """Name a cell by its way of waiting too, by which alone some differ."""
    name = display(row.measured.cell.present.transport, row.measured.wait)
    return f"{name} ({language(row.measured.cell.runtime)})"
