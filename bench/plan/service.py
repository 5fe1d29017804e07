"""The tasks that the cells of a plan serve, as their tables ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ipcbench.bench.decisions.tasks import NAMED, competes, tasks_of
from ipcbench.bench.plan.planner import Candidate, Plan, PlannedCell, cells_of, in_its_own_way
from ipcbench.bench.plan.profile import Axes, BadConfig


def with_tasks(
    found: Plan,
    axes: Iterable[Axes],
    names: Callable[[str], Iterable[str]],
    candidate: Callable[[str], Candidate],
) -> Plan:
    """Return a plan whose cells know the tasks that they serve, in any of their tables.

    Raises: BadConfig where a table names a task that none of its cells serves.
    """
    planned = {one.cell.id: one for one in found.cells}
    skipped = {cell.id for cell, _ in found.skipped}
    served: dict[str, dict[str, None]] = {}
    for table in axes:
        cells = cells_of([table], names)
        ids = {in_its_own_way(cell, candidate(cell.transport)).id: None for cell in cells}
        tasks = {key: _tasks(planned[key], table) for key in ids if key in planned}
        for key, own in tasks.items():
            served.setdefault(key, {}).update(dict.fromkeys(own))
        if not skipped & ids.keys():  # what is skipped here serves its task elsewhere
            _refuse_unserved(table, {task for own in tasks.values() for task in own})
    cells_with = [replace(one, tasks=tuple(served.get(one.cell.id, ()))) for one in found.cells]
    return replace(found, cells=cells_with)


def _tasks(planned: PlannedCell, table: Axes) -> tuple[str, ...]:
    compared = (NAMED,) if table.compared and competes(planned.cell, planned.facts) else ()
    return (*compared, *tasks_of(planned.cell, planned.facts, table.tasks))


def _refuse_unserved(table: Axes, served: Iterable[str]) -> None:
    """Refuse a task that no cell of its table serves. Raises: BadConfig."""
    missing = [name for name in table.tasks or () if name not in served]
    if missing and not table.is_control:
        patterns, sizes = ", ".join(table.patterns), ", ".join(map(str, table.sizes))
        raise BadConfig(
            f"tasks: no cell of {patterns} with {sizes} bytes serves {missing[0]!r}: "
            "leave it out of that table"
        )
