"""Rows of a run: one for each cell, and one for each contest.

A row has plain numbers in SI units and short texts, under the names that docs/format.md lists.
None: there is no such figure.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from ipcbench.bench.decisions.verdicts import ContestVerdict, of_results
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.reports.absent import why_absent
from ipcbench.reports.model import Measured, measured
from ipcbench.reports.page.rows.tails import QUANTILES, tails

Value: TypeAlias = str | bool | int | float | None
Row: TypeAlias = dict[str, Value]

PERCENTILES = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99", 0.999: "p99.9"}
FIGURES = (
    "seconds", "seconds_low", "seconds_high", "coverage", "rounds", "runs", "void_runs",
    "bytes_per_second", "cpu_seconds", "bytes_in_flight",
)  # fmt: skip


def cell_rows(results: Results) -> list[Row]:
    """Return a row for each planned cell, in the order of the plan, skipped ones included."""
    figures = {one.cell.id: one for one in measured(results)}
    singles = _percentiles(list(figures.values()))
    return [
        _axes(result.cell)
        | _outcome(result)
        | _figures(result, figures.get(result.cell.id))
        | singles.get(result.cell.id, dict.fromkeys(_names()))
        for result in results.cells.values()
    ]


def contest_rows(results: Results) -> list[Row]:
    """Return a row for each contest, in the order of the plan, with its verdict."""
    return [_contest(one) for one in of_results(results)]


def _axes(cell: Cell) -> Row:
    return {
        "cell": cell.id,
        "transport": cell.transport,
        "runtime": cell.runtime,
        "pattern": cell.pattern,
        "size": cell.size,
        "processes": cell.processes,
        "placement": cell.placement,
        "wait": cell.wait,
        "depth": cell.depth,
        "looks": cell.looks,
        "batch": cell.batch,
        "payload": cell.payload,
        "pace": cell.pace,
        "control": "twin" if cell.twin else f"slowed {cell.slowed} %" if cell.slowed else "",
    }


def _outcome(result: CellResult) -> Row:
    facts = result.facts
    return {
        "status": result.status.value,
        "reason": why_absent(result),
        "family": facts.family if facts else None,
        "per": facts.per if facts else None,
        "waits_by": facts.wait if facts else None,
        "in_place": facts.in_place if facts else None,
        "tasks": " ".join(result.tasks),
    }


def _figures(result: CellResult, one: Measured | None) -> Row:
    if one is None:
        return dict.fromkeys(FIGURES)
    time = one.interval
    carries = one.facts.per == "message" and one.carries_data and time.median > 0
    values = (
        time.median,
        time.low,
        time.high,
        time.coverage,
        len(one.times),
        len(one.runs),
        len(result.runs) - len(result.good),
        one.cell.size / time.median if carries else None,
        one.cpu,
        max(one.in_flight, default=None),
    )
    return dict(zip(FIGURES, values, strict=True))


def _names() -> list[str]:
    return [f"{name}_seconds" for name in PERCENTILES.values()]


def _percentiles(cells: list[Measured]) -> dict[str, Row]:
    """Return the percentiles of single times, by cell: None where the rounds do not bear one."""
    return {
        tail.measured.cell.id: {
            f"{PERCENTILES[quantile]}_seconds": interval.median * 1e-9 if interval else None
            for quantile, interval in zip(QUANTILES, tail.percentiles, strict=True)
        }
        for tail in tails(cells).rows
    }


def _contest(one: ContestVerdict) -> Row:
    contest, ratio = one.contest, one.ratio
    limits = (ratio.low, ratio.high) if ratio else (None, None)
    return {
        "contest": contest.id,
        "task": contest.task,
        "family": contest.family,
        "statement": contest.statement,
        "asks": contest.asks.value,
        "verdict": one.verdict.value,
        "extent": one.extent.value,
        "ratio": ratio.value if ratio else None,
        "ratio_low": limits[0],
        "ratio_high": limits[1] if limits[1] is None or math.isfinite(limits[1]) else None,
        "band": contest.band,
        "rounds": one.rounds,
        "rounds_needed": one.needed or None,
        "first": one.first or " ".join(contest.first),
        "second": one.second or " ".join(contest.second),
    }
