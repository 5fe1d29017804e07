"""Order of a sweep, from what the command line gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ipcbench.bench.commands.errors import CommandError, as_line, print_error
from ipcbench.bench.experiments.frame import schedule
from ipcbench.bench.machine.host import cpu_model
from ipcbench.bench.plan.named import settings_of_named
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.profile import (
    Profile,
    for_promises,
    load_profile,
    watching,
    without_left_out,
)
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.units import parse_seconds
from ipcbench.bench.sweep.plans import planning
from ipcbench.bench.sweep.sweep import Order

if TYPE_CHECKING:
    from ipcbench.bench.decisions.promises.looks import PromisedRatio

USUAL = "quick"  # profile of a run that names none


@dataclass(frozen=True, slots=True)
class Given:
    """Options of `ipcbench run` that choose cells, rounds and experiments.

    `profile`, `rounds`, `budget`, `tail`: None where not given; times in seconds.
    """

    profile: str | None
    rounds: int | None
    budget: float | None
    tail: float | None
    options: Options
    promised: Path | None
    until_decided: bool
    experiments: tuple[str, ...]
    no_experiments: bool


def seconds(text: str | None, option: str) -> float | None:
    """Parse a time. Raises: CommandError."""
    try:
        return None if text is None else parse_seconds(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from error


def order(
    given: Given,
    *,
    command: Sequence[str],
    seed: int | None,
    folder: Path | None,
    clock: str,
    keep_disturbed: bool,
) -> Order:
    """Build the order of a new sweep. Raises: CommandError, BadConfig."""
    _refuse(given)
    profile = _profile(given)
    wanted = named_by(given.promised, profile, given.options)
    for note in wanted.notes:
        print_error(as_line(note))
    experiments = given.experiments
    whole = given.promised is None and given.options == Options()
    if whole and not experiments and not given.no_experiments:
        experiments = profile.experiments
    return Order(
        profile=profile,
        command=command,
        budget=given.budget,
        seed=seed,
        folder=folder,
        clock=clock,
        keep_disturbed=keep_disturbed,
        only=wanted.only,
        options=given.options,
        promises=wanted.promises,
        experiments=schedule.chosen(experiments),
    )


def _refuse(given: Given) -> None:
    """Refuse options that contradict each other. Raises: CommandError."""
    if given.until_decided and given.promised is None:
        raise CommandError("--until-decided: name the file of promises with --promised FILE")
    if given.options.named and given.promised is not None:
        raise CommandError(
            "--promised: its file names the cells, so leave the transports out, or choose among "
            "these cells with -t"
        )
    if given.rounds is not None and given.until_decided:
        raise CommandError("--rounds and --until-decided: leave one of them out")
    if given.rounds is not None and given.budget is not None:
        raise CommandError("--rounds and --budget both say when the run ends: leave one out")
    if given.experiments and given.no_experiments:
        raise CommandError("--experiment and --no-experiments: leave one of them out")


def _profile(given: Given) -> Profile:
    if given.options.named:
        own = None if given.profile is None else load_profile(given.profile)
        chosen = settings_of_named(own)
    else:
        chosen = load_profile(USUAL if given.profile is None else given.profile)
    chosen = watching(chosen, given.tail)
    if given.promised is not None or given.options != Options():
        chosen = without_left_out(chosen)
    if given.promised is not None:
        chosen = for_promises(chosen, until_decided=given.until_decided)
    if given.rounds is not None:
        settings = msgspec.structs.replace(chosen.settings, rounds=given.rounds, adaptive=False)
        chosen = msgspec.structs.replace(chosen, settings=settings, budget=None)
    return chosen


class Named(NamedTuple):
    """The promises of a thresholds file, and a test of the cells that they need.

    `promises`: those that a run decides by itself. `notes`: what it does not decide.
    """

    only: Callable[[Cell], bool]
    promises: Sequence[PromisedRatio] = ()
    notes: Sequence[str] = ()


def named_by(path: Path | None, profile: Profile, options: Options | None = None) -> Named:
    """Select the cells that a thresholds file names, and the controls that show trust.

    Without a file, all cells are selected.
    """
    if path is None:
        return Named(lambda cell: True)
    from ipcbench.bench.commands.check import refused_in_one_line
    from ipcbench.reports.gate.promises import run_cells
    from ipcbench.reports.gate.thresholds import load_thresholds

    found = planning.planned(profile, options=options)
    with refused_in_one_line():
        needed = run_cells.of_a_run(
            load_thresholds(path),
            found.all_cells(),
            cpu_model(),
            until_decided=profile.settings.adaptive,
        )
    wanted = needed.cells | found.controls_for(needed.cells)
    return Named(lambda cell: cell.id in wanted, needed.ratios, needed.notes)
