"""The cells that a run needs for a thresholds file, and the promises that it decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.results.cell import Cell
from ipcbench.reports.gate.promises.choosing import chosen
from ipcbench.reports.gate.promises.kinds import elsewhere, named, quoted
from ipcbench.reports.gate.promises.pairs import ratios
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds


@dataclass(frozen=True, slots=True)
class RunCells:
    """The ids of the cells of a run for a thresholds file.

    `ratios`: the promises that the run decides by itself. `notes`: the promises that it does not
    decide, with the command that does.
    """

    cells: set[str]
    ratios: Sequence[PromisedRatio]
    notes: Sequence[str]


def of_a_run(
    thresholds: Thresholds, cells: Iterable[Cell], cpu_model: str, *, until_decided: bool
) -> RunCells:
    """Return what a run needs: the cells of its ratios, and those that a baseline bounds.

    Args:
        cells: those that can be planned.
        until_decided: the run goes on until its ratios are decided.

    Raises: BadThresholds where it decides nothing, or a promise selects no cell.
    """
    here, pool = thresholds.on(cpu_model), list(cells)
    notes = list(_notes(thresholds, here, cpu_model))
    if not here.ratios and not here.baselines:
        raise BadThresholds(f"{thresholds.path}: {'; '.join(notes)}")
    if until_decided and not here.ratios:
        raise BadThresholds(
            f"{thresholds.path}: no ratio that a run goes on for: leave --until-decided out"
        )
    found = ratios(here, pool)
    needed = {cell for one in found for cell in (one.faster, one.than)}
    for promise in here.baselines:
        needed |= {one.cell.id for one in chosen(here, promise, pool)}
    return RunCells(needed, found, notes)


def _notes(thresholds: Thresholds, here: Thresholds, cpu_model: str) -> Iterator[str]:
    left_out = [
        one for one in (*thresholds.ratios, *thresholds.baselines) if not one.applies(cpu_model)
    ]
    if left_out:
        yield elsewhere(left_out, cpu_model)
    if here.baselines:
        yield f"decided beside a stored run: {named(here.baselines)}: ipcbench check --baseline DIR"
    if thresholds.changes:
        yield not_of_a_run(thresholds)


def not_of_a_run(thresholds: Thresholds) -> str:
    """Name the promises about a change, and the command that decides them."""
    return (
        f"not decided by a run: {named(thresholds.changes)}: ipcbench compare --base REVISION "
        f"--thresholds {quoted(thresholds.path)}"
    )
