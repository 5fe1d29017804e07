"""The commands. Each says what it does by calling the layer that does it."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from ipcbench.bench.commands.errors import (
    COULD_NOT_MEASURE,
    LONGEST_MESSAGE,
    CommandError,
    Commands,
    carry_out,
    complain,
    guarded,
)
from ipcbench.bench.commands.options import axes, of_a_run, run_folder
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.sweep.sweep import SweepError
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.standard_streams import open_standard_streams


def _print_json(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(re.sub(r"[^\n\x20-\x7e]", _escaped, text))


def _escaped(found: re.Match[str]) -> str:
    """JSON's escape for what could steer a terminal, or cannot be written: all else stays
    readable."""
    try:
        found[0].encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return json.dumps(found[0])[1:-1]
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(VERSION, prog_name="ipcbench")
@click.pass_context
def cli(context: click.Context) -> None:
    """What inter-process communication costs on Linux, here, for work like yours.

    \b
    Example:
      ipcbench run                 measure, and write a page
      ipcbench list                the transports, and what this machine lets them do
      ipcbench doctor              is this machine fit to measure on
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.option(
    "--profile",
    default="quick",
    show_default=True,
    metavar="NAME|FILE",
    help="smoke, quick, standard, rigorous, or a TOML file of your own.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Play rounds until this time is spent (90s, 3m, 1h), instead of the profile's number.",
)
@axes
@click.option(
    "--promised",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Only the cells that the promises of this thresholds file name, and their controls.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The run's folder; a new one below results/ unless given.",
)
@click.option(
    "--resume",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=of_a_run,
    metavar="DIR",
    help="Go on with a sweep that was stopped, with its own options; failed cells are tried again.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="Repeat the order of an earlier sweep: its page tells the seed.",
)
@click.option(
    "--clock",
    default="perf_counter",
    hidden=True,
    help="fake: made-up times, for tests of everything but the times.",
)
@click.option("--json", "as_json", is_flag=True, help="Say where the results are as JSON.")
def run(
    profile: str,
    budget: str | None,
    transports: tuple[str, ...],
    sizes: tuple[str, ...],
    processes: tuple[int, ...],
    patterns: tuple[str, ...],
    placements: tuple[str, ...],
    runtimes: tuple[str, ...],
    promised: Path | None,
    output: Path | None,
    resume: Path | None,
    seed: int | None,
    clock: str,
    as_json: bool,
) -> None:
    """Measure, and write the results and a page.

    Ctrl-C ends after the running measurement; what was measured is kept and
    the page is written all the same.

    \b
    Example:
      ipcbench run --budget 3m -t pipe -t 'shm:*' -s 64 -s 64K
    """
    from ipcbench.bench.commands.console import PipeConsole
    from ipcbench.bench.plan.profile import Options, load_profile, with_options
    from ipcbench.bench.results.files import in_words
    from ipcbench.bench.results.units import parse_seconds
    from ipcbench.bench.sweep import sweep
    from ipcbench.bench.sweep.display import watcher

    def measure() -> Path:
        if resume is not None:
            return _resume(resume)
        options = Options(
            transports=transports,
            sizes=sizes,
            processes=processes,
            patterns=patterns,
            placements=placements,
            runtimes=runtimes,
        )
        chosen = with_options(load_profile(profile), options)
        try:
            seconds = None if budget is None else parse_seconds(budget)
        except ValueError as error:
            raise SweepError(f"--budget: {error}") from error
        order = sweep.Order(
            profile=chosen,
            command=_command(),
            budget=seconds,
            seed=seed,
            folder=output,
            clock=clock,
            only=_promised(promised, chosen),
        )
        return sweep.new(order, watcher(PipeConsole(stderr=True)))

    def _resume(folder: Path) -> Path:
        if _given() - {"resume", "as_json"}:
            raise SweepError("--resume takes the sweep as it was: leave the other options out")
        return sweep.resume(folder, _command(), watcher(PipeConsole(stderr=True)))

    def write() -> Path:
        try:
            return _write_page(folder)
        except OSError as error:
            raise CommandError(
                f"{in_words(error)}: the page cannot be written, but what was measured is kept; "
                f"once that is put right: ipcbench report {shlex.quote(str(folder))}"
            ) from error

    folder = guarded(measure)
    page = guarded(write)
    _tell_run(folder, page, as_json)


def _given() -> set[str]:
    """The names of the parameters that the command line gives."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    return {name for name in context.params if context.get_parameter_source(name) is not default}


def _command() -> list[str]:
    """As it was typed; a word that is no text is made one."""
    return ["ipcbench", *(os.fsencode(word).decode(errors="replace") for word in sys.argv[1:])]


def _promised(path: Path | None, profile: Any) -> Callable[[Any], bool]:
    """Which cells of the profile a thresholds file needs; all where there is none.

    Those that it names, and the controls that show whether they are to be trusted.
    """
    if path is None:
        return lambda cell: True
    from ipcbench.bench.sweep import sweep
    from ipcbench.reports.gate import thresholds

    found = sweep.planned(profile)
    cells = [*(one.cell for one in found.cells), *(cell for cell, _ in found.skipped)]
    named = _thresholds(lambda: thresholds.select(thresholds.load_thresholds(path), cells))
    wanted = named | found.controls_for(named)
    return lambda cell: cell.id in wanted


def _thresholds(load: Callable[[], Any]) -> Any:
    from ipcbench.reports.gate.thresholds import BadThresholds

    try:
        return load()
    except BadThresholds as error:
        raise CommandError(str(error)) from error


def _write_page(folder: Path) -> Path:
    """The suite and the page, from the journal. Raises: OSError."""
    import logging

    from ipcbench.bench.results.results import load
    from ipcbench.bench.results.suite import write_suite

    # Where it cannot keep its fonts it says so, in long lines that nobody asked for.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from ipcbench.reports.page.page import write

    results = load(folder)
    write_suite(results, folder / "suite.json")
    return write(results, folder)


def _tell_run(folder: Path, page: Path, as_json: bool) -> None:
    from ipcbench.bench.results.results import Status, load

    results = load(folder)
    counts = {status.value: len(results.with_status(status)) for status in Status}
    if as_json:
        _print_json(
            {
                "folder": str(folder),
                "page": str(page),
                "cells": counts,
                "rounds": len(results.rounds),
                "seed": results.header.seed,
            }
        )
    else:
        told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        click.echo(f"{len(results.rounds)} rounds; cells: {told}")
        click.echo(f"page: {one_line(str(page), LONGEST_MESSAGE)}")
    if counts[Status.SKIPPED.value] == len(results.cells):
        raise CommandError(_why_all_skipped(results))
    if not any(True for _ in results.ok()):
        sys.exit(COULD_NOT_MEASURE)


def _why_all_skipped(results: Any) -> str:
    """The reason that most cells have, and what would help."""
    from collections import Counter

    skips = [result.skipped for result in results.cells.values()]
    reasons = Counter((skip.reason, skip.remedy) for skip in skips if skip is not None)
    if not reasons:
        return "no cell was planned"
    ((reason, remedy), _), *others = reasons.most_common()
    more = f" (the page has {len(others)} more reasons)" if others else ""
    return f"all cells were skipped: {reason}{f': {remedy}' if remedy else ''}{more}"


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_transports(as_json: bool) -> None:
    """Every transport: its traits, its limits here, or why it is unavailable.

    \b
    Example:
      ipcbench list --json
    """
    from ipcbench.bench.commands import doctor as inventory

    entries = guarded(inventory.transports)
    if as_json:
        _print_json(entries)
    else:
        inventory.print_transports(entries)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(as_json: bool) -> None:
    """Is this machine fit to measure on: noise, limits, isolation; and what to change.

    \b
    Example:
      ipcbench doctor
    """
    from ipcbench.bench.commands import doctor as inventory

    findings = guarded(inventory.examine)
    if as_json:
        _print_json([finding.as_dict() for finding in findings])
    else:
        inventory.print_findings(findings)


@cli.command()
@run_folder
@click.option("--json", "as_json", is_flag=True, help="Say where the page is as JSON.")
def report(folder: Path, as_json: bool) -> None:
    """Write the page and the suite of a run's folder anew, from its journal.

    \b
    Example:
      ipcbench report results/latest
    """
    from ipcbench.transports.kernel_objects.ownership import check_way

    def tell() -> Path:
        check_way(folder, chosen=True)
        return _write_page(folder)

    page = guarded(tell)
    if as_json:
        _print_json({"folder": str(folder), "page": str(page)})
    else:
        click.echo(f"page: {one_line(str(page), LONGEST_MESSAGE)}")


@cli.command()
@run_folder
@click.option(
    "--thresholds",
    default="thresholds.toml",
    show_default=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The promises to hold the run against.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(folder: Path, thresholds: Path, as_json: bool) -> NoReturn:
    """Hold a run against promises.

    Exits with 1 when one is broken, else with 3 when one could not be
    measured, else with 2 when one is inconclusive or the run's controls came
    out unlike their originals, else with 0.

    \b
    Example:
      ipcbench check results/latest --thresholds thresholds.toml
    """
    from ipcbench.bench.results.results import load
    from ipcbench.reports.gate import judge
    from ipcbench.reports.gate.thresholds import load_thresholds

    judged = _thresholds(
        lambda: judge.judge(load_thresholds(thresholds), guarded(lambda: load(folder)))
    )
    if as_json:
        _print_json(judge.to_json(judged))
    else:
        click.echo(judge.render(judged))
    sys.exit(judge.exit_code(judged))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def clean(as_json: bool) -> None:
    """Remove what a killed run left behind; what a running one owns is not touched.

    \b
    Example:
      ipcbench clean
    """
    from ipcbench.bench.machine.guardian import clean_up
    from ipcbench.transports.kernel_objects.ledger import abandoned

    removed = guarded(lambda: [name for ledger in abandoned() for name in clean_up(ledger)])
    if as_json:
        _print_json({"removed": removed})
        return
    for name in removed:
        click.echo(f"removed {one_line(name)}")
    click.echo(f"{len(removed)} objects removed")


def main() -> NoReturn:
    """The console script."""
    try:
        open_standard_streams()
    except OSError as error:
        complain(f"Error: {os.devnull} cannot be opened: {error.strerror}")
        sys.exit(COULD_NOT_MEASURE)
    # What we start with `-m` would look into the current folder first (Python's -P), and
    # find whatever is called bench there.
    os.environ["PYTHONSAFEPATH"] = "1"
    carry_out(cli)
