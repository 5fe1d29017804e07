"""Filters: options without named transports leave out cells of a profile, and add none.

A value that no cell of the profile has, or none that has the other values as well, is refused in
a line that says what the profile has, and how to measure what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from ipcbench.bench.plan.options import Options, parse_options
from ipcbench.bench.plan.planner import Candidate, Plan
from ipcbench.bench.plan.profile import BadConfig
from ipcbench.bench.plan.unused import Value, values_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import format_size
from ipcbench.bench.results.untrusted import one_line

MOST_SHOWN = 10  # values of an axis
_AXES: dict[str, Callable[[Cell], str]] = {
    "-t": lambda cell: cell.transport,
    "-s": lambda cell: format_size(cell.size),
    "-P": lambda cell: str(cell.processes),
    "--pattern": lambda cell: cell.pattern,
    "--placement": lambda cell: cell.placement,
    "--runtime": lambda cell: cell.runtime,
    "--wait": lambda cell: cell.wait,
    "--looks": lambda cell: "" if cell.looks is None else str(cell.looks),
    "--batch": lambda cell: str(cell.batch),
    "--payload": lambda cell: cell.payload,
    "--pace": lambda cell: cell.pace,
    "--depth": lambda cell: "" if cell.depth is None else str(cell.depth),
}
_SORTED: dict[str, Callable[[Cell], int]] = {
    "-s": lambda cell: cell.size,
    "-P": lambda cell: cell.processes,
    "--looks": lambda cell: cell.looks or 0,
    "--batch": lambda cell: cell.batch,
    "--depth": lambda cell: cell.depth or 0,
}


def filtered(
    found: Plan,
    profile: str,
    options: Options,
    candidate: Callable[[str], Candidate],
    names: Callable[[str], Iterable[str]],
    instead: Callable[[Options, Sequence[str]], str],
) -> Plan:
    """Return the part of a profile's plan that has a value of each option.

    Args:
        instead: says how to measure what the profile lacks: the options, and transports of the
            cells that are nearest to them.

    Raises: BadConfig where a value has no cell.
    """
    axes = [
        list(group)
        for _, group in groupby(
            values_of(options, parse_options(options), candidate, names), lambda one: one.flag
        )
    ]
    cells = found.all_cells()
    unused = (
        value
        for rest in ([], axes)  # a value that the profile lacks is the cause: it comes first
        for values in axes
        for value in values
        if not _having([[value], *(other for other in rest if other is not values)], cells)
    )
    if value := next(unused, None):
        others = [values for values in axes if value not in values]
        near = dict.fromkeys(cell.transport for cell in _having(others, cells) or cells)
        refusal = _refusal(profile, value, others, cells)
        raise BadConfig(refusal + instead(options, list(near)))
    kept = {cell.id for cell in _having(axes, cells)}
    return found.only(lambda cell: cell.id in kept)


def _having(axes: Iterable[Sequence[Value]], cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells that have one of the values of each axis."""
    axes = list(axes)
    return [cell for cell in cells if all(any(v.has(cell) for v in values) for values in axes)]


def _refusal(
    profile: str, value: Value, others: Sequence[Sequence[Value]], cells: Sequence[Cell]
) -> str:
    """Say what the profile lacks: the value, or cells that have another option's value as well."""
    mine = [cell for cell in cells if value.has(cell)]
    if not mine:
        ordered = sorted(cells, key=_SORTED.get(value.flag, lambda cell: 0))
        has = list(dict.fromkeys(filter(None, map(_AXES[value.flag], ordered))))
        more = ", …" if len(has) > MOST_SHOWN else ""
        shown = ", ".join(map(one_line, has[:MOST_SHOWN]))
        return f"{value.text}: profile {profile} has {f'only {shown}{more}' if has else 'none'}"
    conflict = next((values for values in others if not _having([values], mine)), None)
    together = [conflict] if conflict is not None else others
    texts = " and ".join(
        f"{values[0].flag} {' or '.join(one_line(v.word) for v in values)}" for values in together
    )
    return f"{value.text}: profile {profile} has it, but no cell with {texts} as well"


def for_tasks(found: Plan, profile: str, tasks: Sequence[str]) -> Plan:
    """Return the part of a plan that serves these tasks, and the controls that show trust in it.

    Its cells serve no other task. Raises: BadConfig where a task has no cell.
    """
    if not tasks:
        return found
    served = [name for one in found.cells for name in one.tasks]
    for name in tasks:
        if name not in served:
            has = ", ".join(dict.fromkeys(served)) or "none"
            raise BadConfig(f"--task {name}: profile {profile} has no cell for it; it has {has}")
    return found.serving(tasks)
