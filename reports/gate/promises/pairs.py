"""Selection of the two cells of a ratio promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.results.cell import Cell, present_name
from ipcbench.reports.gate.promises.axes import AXES, DEFAULTS, Axes, known, shown, some
from ipcbench.reports.gate.promises.kinds import RatioPromise
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds


def ratios(thresholds: Thresholds, cells: Iterable[Cell]) -> list[PromisedRatio]:
    """Return the ratio promises with the ids of their cells, for a sweep of these alone.

    Raises: BadThresholds where a promise does not select exactly one cell a side.
    """
    pool = list(cells)
    found = ((promise, pair(thresholds, promise, pool)) for promise in thresholds.ratios)
    return [
        PromisedRatio(promise.name, faster.id, than.id, promise.at_least, promise.at_most)
        for promise, (faster, than) in found
    ]


def pair(thresholds: Thresholds, promise: RatioPromise, cells: Sequence[Cell]) -> tuple[Cell, Cell]:
    """Return the two cells of a promise: the faster one, and the one it is compared with.

    Raises: BadThresholds where it does not select exactly one cell a side.
    """
    try:
        faster = _only(cells, "faster", promise.where, promise.faster)
        than = _only(cells, "than", promise.where, promise.than)
        if faster == than:
            raise ValueError(f"both sides are the same cell, {faster.id}")
        for axis in AXES:
            here, there = getattr(faster.present, axis), getattr(than.present, axis)
            meant = axis in promise.faster and axis in promise.than
            if here != there and not meant and axis not in DEFAULTS:
                raise ValueError(
                    f"its sides differ in {axis} ({shown(axis, here)}, {shown(axis, there)}): "
                    f"write {axis} once in `where`, or in both sides if they are to differ"
                )
    except ValueError as error:
        raise BadThresholds(f"{thresholds.path}: promise {promise.name!r}: {error}") from error
    return faster, than


def _only(cells: Sequence[Cell], side: str, where: Axes, own: Axes) -> Cell:
    """Return the one cell that has all these values.

    Raises: ValueError, with the values that exist.
    """
    wanted = _present({**DEFAULTS, **where, **own})
    left = cells
    common: list[str] = []  # the values that all cells of `left` have, as written
    for axis, value in wanted.items():
        fitting = [cell for cell in left if getattr(cell.present, axis) == value]
        written = f"{axis} = {shown(axis, value)}"
        if not fitting:
            raise ValueError(
                f"`{side}` selects no cell of this run: nothing has {written}"
                f"{' with ' if common else ''}{', '.join(common)}; "
                f"there is {known(axis, (cell.present for cell in left))}"
            )
        left = fitting
        if axis in where or axis in own:
            common.append(written)
    if len(left) > 1:
        open_axes = [axis for axis in AXES if len({getattr(cell, axis) for cell in left}) > 1]
        raise ValueError(
            f"`{side}` selects {len(left)} cells of this run, write its {' and '.join(open_axes)} "
            f"too: {some([cell.id for cell in left])}"
        )
    return left[0]


def _present(axes: Axes) -> dict[str, str | int | bool | None]:
    """Replace an alias by its transport and its way of waiting."""
    found = dict(axes)
    if "transport" in found:
        found_as = present_name(str(found["transport"]), str(found["wait"]))
        found["transport"], found["wait"] = found_as
    return found
