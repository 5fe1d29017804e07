"""Promises about a change: the cells of a comparison, each with its bound."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.cell import Cell
from ipcbench.reports.gate.promises.choosing import RUN, chosen, without_skipped
from ipcbench.reports.gate.promises.kinds import ChangePromise, Promise, elsewhere, named, quoted
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds


@dataclass(frozen=True, slots=True)
class ChangeOf:
    """A cell of change promises: the smallest of their bounds, a share, and their names."""

    delta: float
    promises: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The cells of all change promises, by id; `notes`: the promises that are left out."""

    cells: Mapping[str, ChangeOf]
    notes: Sequence[str]


def changes(
    thresholds: Thresholds,
    cells: Iterable[Cell],
    cpu_model: str,
    pool: str = RUN,
    skipped: Collection[str] = (),
) -> Changes:
    """Return the cells that change promises name, for a comparison of these alone.

    Args:
        cells: those that can be planned; skipped ones may be among them.
        pool: the name of `cells` in a message.
        skipped: the ids of those that cannot be measured here: one that only a pattern selects
            is left out.

    Raises: BadThresholds where there is no change promise, none on such a machine, or one selects
    no cell.
    """
    if not thresholds.changes:
        raise BadThresholds(
            f"{thresholds.path}: no promise about a change: write `cells` and `slower_by_at_most`, "
            "or check the others with ipcbench run --promised and ipcbench check"
        )
    here = thresholds.on(cpu_model)
    if not here.changes:
        raise BadThresholds(
            f"{thresholds.path}: {elsewhere(thresholds.changes, cpu_model)}: compare on one of "
            "those, or add this one to `machines`"
        )
    planned = list(cells)
    found: dict[str, ChangeOf] = {}
    notes: list[str] = []
    for promise in here.changes:
        selected = chosen(thresholds, promise, planned, pool)
        kept = without_skipped(selected, skipped)
        notes += _left_out(promise, len(selected) - len(kept))
        for cell in (one.cell for one in kept):
            before = found.get(cell.id, ChangeOf(promise.delta, ()))
            names = (*before.promises, promise.name)
            found[cell.id] = ChangeOf(min(before.delta, promise.delta), names)
    left_out = [one for one in thresholds.changes if not one.applies(cpu_model)]
    return Changes(found, [*notes, *_elsewhere(left_out, cpu_model), *_of_a_run(thresholds)])


def _left_out(promise: ChangePromise, number: int) -> list[str]:
    if not number:
        return []
    cells, are = ("a cell", "is") if number == 1 else (f"{number} cells", "are")
    return [
        f"{named([promise])}: {cells} cannot be measured here and {are} left out: ipcbench list"
    ]


def _elsewhere(promises: Sequence[Promise], cpu_model: str) -> list[str]:
    return [elsewhere(promises, cpu_model)] if promises else []


def _of_a_run(thresholds: Thresholds) -> list[str]:
    """Say which promises no comparison decides."""
    others = [*thresholds.ratios, *thresholds.baselines]
    if not others:
        return []
    return [
        f"not decided by a comparison: {named(others)}: ipcbench run --promised "
        f"{quoted(thresholds.path)}"
    ]
