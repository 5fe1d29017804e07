"""Large blocks: messages written anew, and files."""

from __future__ import annotations

from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows import tables
from ipcbench.reports.verdicts.anew import anew
from ipcbench.reports.verdicts.single import files

MOST_ORDERS = 32  # of accesses to a file


def context(found: Found) -> dict[str, object]:
    """Return what the templates in `large` are given."""
    return {
        "anew": tables.bounded(anew(found.cells)),
        "file_orders": files.orders(found.cells)[:MOST_ORDERS],
    }
