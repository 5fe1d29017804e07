"""Small messages: single times, the parts of a round trip, Python beside C, setting up."""

from __future__ import annotations

from ipcbench.bench.results.axes import NATIVE
from ipcbench.reports.page.found import Found
from ipcbench.reports.page.rows import tables, tails
from ipcbench.reports.verdicts import cost_model, python_cost
from ipcbench.reports.verdicts.single import set_up

MOST_TAILS, MOST_COSTS = 240, 160  # rows; results.csv has all cells


def context(found: Found) -> dict[str, object]:
    """Return what the templates in `small` are given."""
    cells = found.cells
    both = python_cost.costs(cells)
    parts = cost_model.model(cells)
    native = any(one.cell.runtime == NATIVE for one in found.results.cells.values())
    return {
        "tails": tails.tails(cells, MOST_TAILS),
        "quantiles": tails.QUANTILES,
        "rare_quantiles": tails.RARE,
        "parts_of_trips": parts,
        "parts_rows": tables.bounded(parts.rows),
        "parts_fits": tables.bounded(parts.fits),
        "set_ups": tables.bounded(set_up.phases(cells)),
        "costs": tables.bounded(both, MOST_COSTS),
        "cost_sums": python_cost.sums(both),
        "cost_trips": python_cost.round_trips(both),
        "cost_streams": python_cost.streams(both),
        "cost_mark": python_cost.MARK,
        "cost_differs": any(one.native.facts.differs for one in both),
        "cost_batches": any(one.native.facts.batch for one in both),  # of an older journal
        "python_alone": python_cost.python_alone(both, cells),
        "native_missing": not both and native,
    }
