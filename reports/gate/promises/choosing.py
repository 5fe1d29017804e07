"""Selection of the cells of a promise about a change or a baseline: by values and patterns."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

import msgspec

from ipcbench.bench.results.cell import Cell, present_name
from ipcbench.reports.gate.promises.axes import (
    DEFAULTS,
    Choice,
    Glob,
    Value,
    known,
    shown,
)
from ipcbench.reports.gate.promises.kinds import BaselinePromise, ChangePromise
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds

RUN = "this run"


class Chosen(NamedTuple):
    """A selected cell.

    `literal`: its values are written, so no pattern was needed. `placed`: so is its placement.
    """

    cell: Cell
    literal: bool
    placed: bool


def chosen(
    thresholds: Thresholds,
    promise: ChangePromise | BaselinePromise,
    cells: Sequence[Cell],
    pool: str = RUN,
) -> list[Chosen]:
    """Return the cells of a promise, in their order.

    The axes that have a default have it where none is written; any other may have any value.

    Raises: BadThresholds where a value or a pattern selects no cell.
    """
    try:
        return _chosen(promise.cells, cells, pool)
    except ValueError as error:
        raise BadThresholds(f"{thresholds.path}: promise {promise.name!r}: {error}") from error


def without_skipped(found: Sequence[Chosen], skipped: Container[str]) -> list[Chosen]:
    """Leave out skipped cells that only a pattern selects, unless nothing else is left.

    So is one whose placement is not written, where the same cell is measured in another: which
    placements there are depends on the CPUs and on the user's permissions.

    Args:
        skipped: ids of cells that cannot be measured here.
    """
    measured = {anywhere(one.cell) for one in found if one.cell.id not in skipped}
    kept = [
        one
        for one in found
        if one.cell.id not in skipped
        or (one.literal and (one.placed or anywhere(one.cell) not in measured))
    ]
    return kept if measured else list(found)


def anywhere(cell: Cell) -> Cell:
    """Return what the same cell is in every placement."""
    return msgspec.structs.replace(cell, placement="any")


def _chosen(choice: Choice, cells: Sequence[Cell], pool: str) -> list[Chosen]:
    defaults = {axis: (value,) for axis, value in DEFAULTS.items() if axis not in choice}
    left = [(cell, cell.present) for cell in cells]
    common: list[str] = []
    for axis, values in {**choice, **defaults}.items():
        for value in values:
            if not any(_fits(cell, axis, value, choice) for _, cell in left):
                raise ValueError(_nothing(axis, value, common, [cell for _, cell in left], pool))
        left = [one for one in left if any(_fits(one[1], axis, value, choice) for value in values)]
        if axis in choice:
            common.append(_written(axis, values))
    for axis, values in choice.items():
        for value in values:
            if not any(_fits_with_wait(cell, axis, value, choice) for _, cell in left):
                others = [text for text in common if not text.startswith(f"{axis} ")]
                raise ValueError(_nothing(axis, value, others, [cell for _, cell in left], pool))
    placed = "placement" in choice
    return [Chosen(cell, _literal(present, choice), placed) for cell, present in left]


def _nothing(
    axis: str, value: Value | Glob, common: Sequence[str], left: Sequence[Cell], pool: str
) -> str:
    return (
        f"`cells` selects no cell of {pool}: nothing has {axis} = {shown(axis, value)}"
        f"{' with ' if common else ''}{', '.join(common)}; there is {known(axis, left)}"
    )


def _written(axis: str, values: Sequence[Value | Glob]) -> str:
    texts = [shown(axis, value) for value in values]
    return f"{axis} = {texts[0]}" if len(texts) == 1 else f"{axis} = [{', '.join(texts)}]"


def _fits(cell: Cell, axis: str, value: Value | Glob, choice: Choice) -> bool:
    """Tell whether a cell, which has no alias, has a value; of `transport` with any wait."""
    if axis == "transport":
        return _is_transport(cell, value, (Glob("*"),))
    if axis == "wait":
        names = choice.get("transport", (Glob("*"),))
        return any(_is_transport(cell, name, (value,)) for name in names)
    own: Value = getattr(cell, axis)
    return value.fits(own) if isinstance(value, Glob) else own == value


def _fits_with_wait(cell: Cell, axis: str, value: Value | Glob, choice: Choice) -> bool:
    """Tell whether a cell has a value; of `transport` with one of the ways of waiting."""
    if axis == "transport":
        return _is_transport(cell, value, choice.get("wait", (DEFAULTS["wait"],)))
    return _fits(cell, axis, value, choice)


def _is_transport(cell: Cell, name: Value | Glob, waits: Iterable[Value | Glob]) -> bool:
    """Tell whether a cell has a transport and a way of waiting; an alias has both."""
    for wait in waits:
        if isinstance(wait, Glob) and not wait.fits(cell.wait):
            continue
        asked = cell.wait if isinstance(wait, Glob) else str(wait)
        if isinstance(name, Glob):
            if name.fits(cell.transport) and asked == cell.wait:
                return True
        elif present_name(str(name), asked) == (cell.transport, cell.wait):
            return True
    return False


def _literal(cell: Cell, choice: Choice) -> bool:
    """Tell whether a cell has written values alone, so that its author knows of it."""
    return all(
        any(
            not isinstance(value, Glob) and _fits_with_wait(cell, axis, value, choice)
            for value in values
        )
        for axis, values in choice.items()
    )
