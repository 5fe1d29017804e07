"""Order of a comparison, from what the command line gives."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.orders.dry_run import lines_of
from ipcbench.bench.commands.orders.ordering import seconds
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.machine import host
from ipcbench.bench.pairs.comparison import BUDGET, DELTA, Order, Terms, check_measurable
from ipcbench.bench.pairs.steps import USUAL_PAIRS
from ipcbench.bench.pairs.work import COMMAND
from ipcbench.bench.plan.named import settings_of_named
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.profile import GATE, Profile, load_profile
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import human_span, parse_share
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.rounds.estimate import ROUND_START, usual_seconds
from ipcbench.bench.sweep.plans.planning import planned

if TYPE_CHECKING:
    from ipcbench.reports.gate.promises.changes import Changes

RUNS = 2  # of a pair
_OWN = ("--budget", "-o", "--output")  # options that a longer comparison has instead
_JOINED = ("--budget=", "-o", "--output=")  # the same, with their value in one word


@dataclass(frozen=True, slots=True)
class Given:
    """Options of `ipcbench compare` that choose the arms and the cells.

    `profile`, `delta`, `budget`: None where not given, as they were typed.
    """

    base: str
    head: str
    profile: str | None
    options: Options
    thresholds: Path | None
    delta: str | None
    budget: str | None


def order(given: Given, **more: Any) -> Order:
    """Build the order of a new comparison; `more`: further parameters of it.

    Raises: CommandError, BadConfig, BadThresholds.
    """
    if given.thresholds is not None and given.delta is not None:
        raise CommandError("--delta: the promises of --thresholds have it: leave it out")
    profile = _profile(given)
    command = ["ipcbench", "compare", "--base", given.base, "--head", given.head]
    found = planned(profile, _counts, given.options, command)
    terms: dict[str, Terms] = {}
    if given.thresholds is not None:
        changes = _changes(given.thresholds, found, given, profile)
        found = found.only(lambda cell: cell.id in changes.cells)
        terms = {cell: Terms(one.delta, one.promises) for cell, one in changes.cells.items()}
        for note in changes.notes:
            click.echo(one_line(note, 2000), err=True)
    budget = seconds(given.budget, "--budget")
    return Order(
        base=given.base,
        head=given.head,
        plan=lambda: found,
        settings=profile.settings,
        delta=_share(given.delta),
        terms=terms,
        thresholds="" if given.thresholds is None else str(given.thresholds),
        budget=BUDGET if budget is None else budget,
        **more,
    )


def _counts(cell: Cell) -> bool:
    """Tell whether a cell is compared: a control repeats another one."""
    return not cell.is_control


def _profile(given: Given) -> Profile:
    if not given.options.named:
        return load_profile(GATE if given.profile is None else given.profile)
    own = load_profile(GATE if given.profile is None else given.profile)
    return settings_of_named(own)


def _changes(path: Path, found: Plan, given: Given, profile: Profile) -> Changes:
    """Return the cells of the promises about a change. Raises: BadThresholds."""
    from ipcbench.reports.gate.promises.changes import changes
    from ipcbench.reports.gate.thresholds import load_thresholds

    of_profile = f"profile {profile.name} (see --profile)"
    pool = "the named transports" if given.options.named else of_profile
    skipped = [cell.id for cell, _ in found.skipped]
    return changes(load_thresholds(path), found.all_cells(), host.cpu_model(), pool, skipped)


def _share(text: str | None) -> float:
    """Parse a share. Raises: CommandError."""
    try:
        return DELTA if text is None else parse_share(text)
    except ValueError as error:
        raise CommandError(f"--delta: {error}") from error


def print_plan(asked: Order, as_json: bool) -> None:
    """Print the cells of an order, and the time; compare nothing."""
    found = guarded(asked.plan)
    guarded(lambda: check_measurable(found))
    expected = seconds_of(asked, found)
    if as_json:
        print_json(_as_data(asked, found, expected))
        return
    for line in lines_of(found):
        click.echo(one_line(line, 2000))
    budget = "" if asked.budget is None else f", and {human_span(asked.budget)} at most"
    click.echo(f"about {human_span(expected)} where nothing is slower{budget}; arms are not built")


def seconds_of(asked: Order, found: Plan) -> float:
    """Return about the seconds of a comparison in which no cell is slower."""
    timings = [timing_of(one.cell, one.cpus, asked.settings, asked.clock) for one in found.cells]
    pairs = RUNS * sum(map(usual_seconds, timings)) + ROUND_START
    expected = sum(map(usual_seconds, timings)) + (asked.pairs or USUAL_PAIRS) * pairs
    return expected if asked.budget is None else min(expected, asked.budget)


def _as_data(asked: Order, found: Plan, expected: float) -> dict[str, object]:
    return {
        "base": asked.base,
        "head": asked.head,
        "cells": [
            {
                "cell": one.cell.id,
                "delta": asked.terms_of(one.cell.id).delta,
                "promises": list(asked.terms_of(one.cell.id).promises),
            }
            for one in found.cells
        ],
        "skipped": [
            {"cell": cell.id, "reason": why.reason, "remedy": why.remedy}
            for cell, why in found.skipped
        ],
        "plan": found.digest(),
        "budget": asked.budget,
        "seconds": round(expected, 1),
    }


def longer(command: Sequence[str], budget: float) -> str:
    """Return a command line for a new comparison with another budget.

    Args:
        command: that of the comparison; one that was resumed has its first one in its journal.
        budget: seconds.
    """
    words = list(command) or shlex.split(COMMAND)
    kept, words = words[:2], words[2:]
    kept += ["--budget", f"{math.ceil(budget / 60)}m"]  # before a "--", behind which it is a name
    while words:
        word = words.pop(0)
        if word == "--":
            kept += [word, *words]
            break
        if word in _OWN:
            del words[:1]
        elif not word.startswith(_JOINED):
            kept.append(word)
    return shlex.join(kept)
