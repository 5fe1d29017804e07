"""Dry run: the cells of an order, compactly, and about the time that it would take."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import click

from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.experiments.frame.schedule import SHARE
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import format_size, human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.rounds.forecast import Forecast
from ipcbench.bench.rounds.order import Shuffle
from ipcbench.bench.sweep.plans.planning import planned
from ipcbench.bench.sweep.run_folder import examine
from ipcbench.bench.sweep.sweep import Order, measurable
from ipcbench.transports.base.os_errors import with_remedy

START = 1.5  # seconds until the sweep starts: modules are loaded, and transports examined
PAGE, OF_A_CELL = 1.5, 0.02  # seconds of the page, and more of it for each cell
MOST_SKIPS = 3  # reasons


def print_plan(order: Order, as_json: bool) -> None:
    """Print the cells of an order, and the time; measure nothing."""
    found = guarded(lambda: planned(order.profile, order.only, order.options))
    guarded(lambda: measurable(order, found))
    guarded(lambda: examine(order.folder))
    if not found.cells:
        raise CommandError(f"all cells would be skipped: {_usual_reason(found)}")
    forecast = forecast_of(order, found)
    seconds = seconds_of(forecast, found)
    if as_json:
        print_json(_as_data(order, found, forecast, seconds))
        return
    for line in (*lines_of(found), *_timing(order, forecast, seconds)):
        click.echo(one_line(line, 2000))


def _usual_reason(found: Plan) -> str:
    """Return the most frequent reason of those with a remedy, if any has one."""
    whys = Counter((why.reason, why.remedy) for _, why in found.skipped)
    reason, remedy = max(whys, key=lambda one: (bool(one[1]), whys[one]))
    return with_remedy(reason, remedy)


def forecast_of(order: Order, found: Plan) -> Forecast:
    """Return the forecast of the sweep alone."""
    settings = order.profile.settings
    timings = {
        one.cell.id: timing_of(one.cell, one.cpus, settings, order.clock) for one in found.cells
    }
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    budget = order.profile.budget if order.budget is None else order.budget
    experiments = sum(EXPERIMENTS[name].usual for name in order.experiments)
    return Forecast(
        [one.cell for one in found.cells],
        timings,
        settings,
        budget=budget,
        experiments=experiments if budget is None else min(experiments, SHARE * budget),
        contests=bool(order.promises or contests),
    )


def seconds_of(forecast: Forecast, found: Plan) -> float:
    """Return the seconds of the whole command, its start and its page included."""
    return START + forecast.seconds + PAGE + OF_A_CELL * len(found.cells)


def _as_data(order: Order, found: Plan, forecast: Forecast, seconds: float) -> dict[str, object]:
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    promised = [one.contest() for one in order.promises]
    playing = promised if promised and order.profile.settings.adaptive else contests
    first = Shuffle(seed, 1).order(found.cells, playing)
    return {
        "cells": [one.cell.id for one in first],
        "skipped": [
            {"cell": cell.id, "reason": why.reason, "remedy": why.remedy}
            for cell, why in found.skipped
        ],
        "plan": found.digest(),
        "seed": seed,
        "rounds": order.profile.settings.rounds,
        "contests": len(contests),
        "experiments": list(order.experiments),
        "seconds": round(seconds, 1),
        "at_most": forecast.goes_on,
    }


def _timing(order: Order, forecast: Forecast, seconds: float) -> Iterator[str]:
    rounds = order.profile.settings.rounds
    budget = order.profile.budget if order.budget is None else order.budget
    noun = "round" if rounds == 1 else "rounds"
    if forecast.goes_on:
        spent = "" if budget is None else f" or {human_span(budget)} are spent"
        what = f"{rounds} {noun}, then more for what is open, until all is decided{spent}"
    elif budget is not None:
        what = f"as many rounds as {human_span(budget)} have time for"
    else:
        what = f"{rounds} {noun}"
    if order.experiments:
        what += f"; {len(order.experiments)} experiments"
    yield what
    yield f"{'at most' if forecast.goes_on else 'about'} {human_span(seconds)}, page included"


def lines_of(found: Plan) -> Iterator[str]:
    """Yield the number of cells, and a line for each pattern with its transports."""
    cells = [one.cell for one in found.cells]
    controls = sum(cell.is_control for cell in cells)
    noun = "cell" if len(cells) == 1 else "cells"
    are = "is a control" if controls == 1 else "are controls"
    yield f"{len(cells)} {noun}, of which {controls or 'none'} {are}:"
    for pattern in dict.fromkeys(cell.pattern for cell in cells):
        own = [cell for cell in cells if cell.pattern == pattern]
        yield f"  {pattern} ({len(own)}): {_transports(own)}"
        yield f"    {'; '.join(_axes(own))}"
    if found.skipped:
        one = len(found.skipped) == 1
        yield f"{len(found.skipped)} {'cell is' if one else 'cells are'} skipped:"
        reasons: dict[str, int] = {}
        for _, why in found.skipped:
            text = with_remedy(why.reason, why.remedy)
            reasons[text] = reasons.get(text, 0) + 1
        for reason, number in list(reasons.items())[:MOST_SKIPS]:
            yield f"  {number}: {reason}"
        if len(reasons) > MOST_SKIPS:
            yield f"  and for {len(reasons) - MOST_SKIPS} more reasons"


def _transports(cells: Iterable[Cell]) -> str:
    return ", ".join(dict.fromkeys(cell.transport for cell in cells))


def _axes(cells: Iterable[Cell]) -> Iterator[str]:
    """Yield the values of each axis that has any."""
    cells = list(cells)
    sizes = sorted({cell.size for cell in cells})
    axes: Mapping[str, Iterable[str]] = {
        "": [f"{format_size(size)}{' B' if size < 1024 else ''}" for size in sizes if size],
        "processes": map(str, sorted({cell.processes for cell in cells})),
        "placement": dict.fromkeys(cell.placement for cell in cells),
        "runtime": dict.fromkeys(cell.runtime for cell in cells),
        "wait": _unusual(cells, "wait", "block"),
        "depth": _unusual(cells, "depth", "None"),
        "looks": _unusual(cells, "looks", "None"),
        "batch": _unusual(cells, "batch", "1"),
        "payload": _unusual(cells, "payload", "hot"),
        "pace": _unusual(cells, "pace", "closed"),
    }
    for name, values in axes.items():
        if text := ", ".join(values):
            yield f"{name} {text}".strip()


def _unusual(cells: Iterable[Cell], axis: str, usual: str) -> Iterable[str]:
    """Return the values of an axis, where there is more than the usual one."""
    values = list(dict.fromkeys(str(getattr(cell, axis)) for cell in cells))
    return () if values == [usual] else values
