"""`ipcbench compare`: tell whether a change slows anything down."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.commands.check import refused_in_one_line
from ipcbench.bench.commands.errors import (
    LONGEST_MESSAGE,
    CommandError,
    as_line,
    guarded,
    print_error,
)
from ipcbench.bench.commands.options import (
    axes,
    command_line,
    comparison_folder_value,
    given,
    named_transports,
    output_option,
    repeating,
    resume_option,
    show_option,
)
from ipcbench.bench.commands.output import progress_watcher
from ipcbench.bench.commands.outputs import Written, chosen_format, give_out, output_options
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.untrusted import one_line

if TYPE_CHECKING:
    from ipcbench.bench.pairs.comparison import Order
    from ipcbench.bench.results.comparison.comparison import Comparison
    from ipcbench.reports.gate.compare import Again

SHOWN = {"show", "form", "written", "as_json"}
RESUMED = {"resume", "budget", "form", "written", "as_json"}


@click.command("compare")
@named_transports
@click.option(
    "--base",
    shell_complete=completion.arms,
    metavar="ARM",
    help="What head is compared with: a git revision (main, rev:HEAD~3), python:PATH of an "
    "interpreter with ipcbench, plugin:NAME==VERSION (or a path), env:NAME=VALUE,… or here, this "
    "interpreter.",
)
@click.option(
    "--head",
    default="here",
    show_default=True,
    shell_complete=completion.arms,
    metavar="ARM",
    help="The arm to judge.",
)
@click.option(
    "--thresholds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Only the cells that the promises of this file about a change name, with their bounds.",
)
@click.option(
    "--delta",
    shell_complete=completion.shares,
    metavar="SHARE",
    help="The slow-down to find: a cell passes where head is slower by less. 5% by default.",
)
@click.option(
    "--profile",
    shell_complete=completion.compared_profiles,
    metavar="NAME|FILE",
    help="The profile whose cells are compared, and its blocks: gate by default. Its rounds, "
    "budget and experiments have no meaning here.",
)
@click.option(
    "--budget",
    shell_complete=completion.times,
    metavar="TIME",
    help="End when this time is spent (90s, 3m, 1h): what is open then is inconclusive. 3m by "
    "default. The arms are built before. With --resume: the time of the whole comparison, what it "
    "has taken included.",
)
@axes
@output_option("comparison")
@resume_option(
    "comparison", comparison_folder_value, ", but for --budget; failed cells are tried again"
)
@show_option(comparison_folder_value, "Compare nothing: print the verdicts of a comparison again.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Compare nothing: say which cells would be compared, and about how long it would take.",
)
@repeating("comparison", "pairs", "its journal has")
@output_options
def command(
    base: str | None,
    head: str,
    thresholds: Path | None,
    delta: str | None,
    profile: str | None,
    budget: str | None,
    output: Path | None,
    resume: Path | None,
    show: Path | None,
    dry_run: bool,
    seed: int | None,
    keep_disturbed: bool,
    clock: str,
    form: str | None,
    written: Sequence[Written],
    as_json: bool,
    **chosen: Any,
) -> NoReturn:
    """Tell whether a change slows anything down.

    Two arms play the same cells in turn, in pairs of fresh runs, until each cell has a verdict:
    broken (head is slower), passed (it is not, by --delta), or inconclusive at the end of the
    budget. All 30 cells of the profile gate are compared, or those that TRANSPORTS, options or
    --thresholds choose.

    Exits with 1 when a cell is broken, else with 3 when one could not be measured, else with 2
    when one is inconclusive, else with 0.

    Ctrl-C stops after the current pair; the verdicts so far are printed. A second one stops at
    once.

    \b
    Example:
      ipcbench compare --base main
      ipcbench compare --base v1.2 --thresholds thresholds.toml --write junit=gate.xml
      ipcbench compare pipe 'shm:*' -s 64 --base env:GLIBC_TUNABLES=glibc.malloc.arena_max=1
    """
    format_ = chosen_format(form, as_json)
    if show is not None:
        _only("--show", SHOWN)
        _report(show, format_, written)
    if resume is not None:
        _only("--resume", RESUMED)
        folder = guarded(lambda: _resume(resume, budget))
    else:
        order = _order(
            base,
            head,
            (thresholds, delta, profile, budget),
            chosen,
            seed=seed,
            folder=output,
            clock=clock,
            keep_disturbed=keep_disturbed,
        )
        if dry_run:
            if written or format_ not in ("table", "json"):
                raise CommandError("--dry-run has no verdicts: leave --write and --format out")
            from ipcbench.bench.commands.orders.comparing import print_plan

            print_plan(order, format_ == "json")
            sys.exit(0)
        folder = guarded(lambda: _new(order))
    _finish(folder, format_, written)


def _only(option: str, allowed: set[str]) -> None:
    """Refuse other options beside one that has few. Raises: CommandError."""
    if given() - allowed:
        but = "--budget and those of the output" if "budget" in allowed else "those of the output"
        raise CommandError(f"{option} takes no other option but {but}")


def _order(
    base: str | None,
    head: str,
    cells: tuple[Path | None, str | None, str | None, str | None],
    chosen: dict[str, Any],
    **more: Any,
) -> Order:
    """Build the order of a new comparison. Raises: CommandError."""
    from ipcbench.bench.commands.orders import comparing
    from ipcbench.bench.plan.options import Options

    if base is None:
        raise CommandError(
            "--base is missing: name the arm to compare with, such as --base main, or --base here "
            "for a comparison of this interpreter with itself"
        )
    thresholds, delta, profile, budget = cells
    wanted = comparing.Given(base, head, profile, Options(**chosen), thresholds, delta, budget)
    with refused_in_one_line():
        return guarded(lambda: comparing.order(wanted, command=command_line(), **more))


def _new(order: Order) -> Path:
    from ipcbench.bench.pairs import comparison

    return comparison.new(order, progress_watcher())


def _resume(folder: Path, budget: str | None) -> Path:
    from ipcbench.bench.commands.orders.ordering import seconds
    from ipcbench.bench.pairs import comparison

    wanted = seconds(budget, "--budget")
    return comparison.resume(folder, command_line(), progress_watcher(), budget=wanted)


def _finish(folder: Path, form: str, written: Sequence[Written]) -> NoReturn:
    """Write the suites, and print the verdicts."""
    from ipcbench.bench.pairs.suites import write_suites

    quoted = shlex.quote(str(folder))
    guarded(lambda: write_suites(folder))
    stopped = interrupts.last()
    if stopped is None:  # it is complete
        interrupts.say(f"the comparison is complete: ipcbench compare --show {quoted}")
    if stopped is not None:
        print_error(as_line(f"Stopped: continue: ipcbench compare --resume {quoted}"))
    else:
        shown = f"kept: ipcbench compare --show {quoted}"
        print_error(one_line(shown, LONGEST_MESSAGE))
    _report(folder, form, written)


def _report(folder: Path, form: str, written: Sequence[Written]) -> NoReturn:
    """Print the verdicts, and exit with their code."""
    from ipcbench.bench.commands.selftest import could_see
    from ipcbench.bench.results.comparison.comparison import load
    from ipcbench.reports.gate.compare import report_of

    comparison = guarded(lambda: load(folder))
    again, thresholds = _again(folder, comparison), comparison.header.thresholds
    words = _words(comparison.header.command)
    report = report_of(
        comparison,
        folder,
        again,
        thresholds=thresholds,
        could_see=could_see(comparison),
        asked_for=bool(words.get("named")),
        placed=bool(words.get("placements")),
    )
    give_out(report, form, written)
    sys.exit(report.exit_code)


def _words(line: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a command line."""
    context = command.make_context("compare", list(line[2:]), resilient_parsing=True)
    return context.params


def _again(folder: Path, comparison: Comparison) -> Again:
    """Return the commands that measure more."""
    from ipcbench.bench.commands.orders.comparing import longer
    from ipcbench.reports.gate.compare import Again

    resume = f"ipcbench compare --resume {shlex.quote(str(folder))}"
    return Again(resume, lambda seconds: longer(comparison.header.command, seconds))
