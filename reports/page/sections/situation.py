"""Placement, waiting, load: spinning beside sleeping, messages at a rate, pauses."""

from __future__ import annotations

from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows import paces, tables
from ipcbench.reports.verdicts import spinning


def context(found: Found) -> dict[str, object]:
    """Return what the templates in `situation` are given."""
    splits = spinning.splits(found.cells)
    return {
        "splits": splits,
        "split": spinning.foremost(splits),
        "spinning_pairs": tables.bounded(spinning.pairs(found.cells)),
        "at_rates": paces.at_rates(found.cells),
        "one_ways": paces.one_ways(found.cells),
        "pauses": paces.pauses(found.cells),
    }
