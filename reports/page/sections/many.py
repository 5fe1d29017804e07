"""Many processes: the newest value for several readers."""

from __future__ import annotations

from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows import newest


def context(found: Found) -> dict[str, object]:
    """Return what the templates in `many` are given."""
    values = newest.newest(found.cells)
    return {"newest_values": values, "newest_in_short": newest.in_short(values.rows)}
