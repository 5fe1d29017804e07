"""`ipcbench selftest`: the gate proves itself on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.commands.errors import (
    COULD_NOT_MEASURE,
    LONGEST_MESSAGE,
    CommandError,
    as_line,
    guarded,
    print_error,
)
from ipcbench.bench.commands.options import (
    axes,
    command_line,
    given,
    json_option,
    named_transports,
    output_option,
    repeating,
    resume_option,
    show_option,
)
from ipcbench.bench.commands.output import print_json, progress_watcher
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.files import describe
from ipcbench.bench.results.untrusted import one_line

if TYPE_CHECKING:
    from ipcbench.bench.results.comparison.comparison import Comparison
    from ipcbench.bench.results.comparison.selftest import SelftestResult
    from ipcbench.bench.selftest.records import SelftestHeader
    from ipcbench.bench.selftest.selftest import Order, Planned

CONTRADICTED = 1  # exit code
CHART = "selftest"
_ALONE = {"as_json"}


def _selftest_folder(
    context: click.Context, option: click.Parameter, folder: Path | None
) -> Path | None:
    """Check that a folder holds a selftest; a callback of click."""
    name = "selftest.jsonl"
    if folder is None or os.path.lexists(folder / name):
        return folder
    raise click.BadParameter(f"{folder} holds no selftest: it has no {name}")


@click.command("selftest")
@named_transports
@click.option(
    "--runs",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="So many runs of the gate, of one to three minutes each. By default as many as fit into "
    "--budget, and one at least.",
)
@click.option(
    "--budget",
    shell_complete=completion.times,
    metavar="TIME",
    help="Begin no further run that would end after this time (30m, 1h): 10m by default, and no "
    "limit with --runs.",
)
@click.option(
    "--profile",
    default="gate",
    show_default=True,
    shell_complete=completion.profiles,
    metavar="NAME|FILE",
    help="The profile whose cells are gated, and its blocks.",
)
@axes
@output_option("selftest")
@resume_option("selftest", _selftest_folder)
@show_option(_selftest_folder, "Play nothing: judge the runs of a selftest again.")
@repeating("selftest", "pairs", "its journal has")
@json_option
def command(
    runs: int | None,
    budget: str | None,
    profile: str,
    output: Path | None,
    resume: Path | None,
    show: Path | None,
    seed: int | None,
    keep_disturbed: bool,
    clock: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Let the gate prove on this machine that it finds slow-downs, and cries no wolf.

    Each run is a comparison of this interpreter with itself (`ipcbench compare`), in which a tenth
    of the cells is slowed by 5 % on purpose, a tenth by 10 %, others each time. It tells how many
    of them were found, how many false alarms came, and the smallest slow-down that would be found
    95 times in 100. Later comparisons on this machine show that beside their verdicts.

    Ctrl-C stops after the current pair, and the runs that are over are judged. A second one stops
    at once.

    Exits with 1 when the counts contradict what the gate guarantees, with 3 when nothing could be
    measured, else with 0.

    \b
    Example:
      ipcbench selftest
      ipcbench selftest --runs 20 -o results/selftest
      ipcbench selftest pipe unix-stream -s 64 --placement same-core
    """
    if show is not None:
        _only("--show", {"show"})
        _finish(show, as_json, keeps=False)
        return
    if resume is not None:
        _only("--resume", {"resume"})
        folder = guarded(lambda: _resume(resume))
    else:
        folder = guarded(
            lambda: _new(
                _order(
                    runs,
                    budget,
                    profile,
                    chosen,
                    seed=seed,
                    folder=output,
                    clock=clock,
                    keep_disturbed=keep_disturbed,
                )
            )
        )
    _finish(folder, as_json, keeps=True)


def _only(option: str, allowed: set[str]) -> None:
    """Refuse other options beside one that has none. Raises: CommandError."""
    if given() - allowed - _ALONE:
        raise CommandError(f"{option} takes no other option but --json")


def _order(
    runs: int | None, budget: str | None, profile: str, chosen: dict[str, Any], **more: Any
) -> Order:
    """Build the order of a new selftest. Raises: CommandError, BadConfig."""
    from ipcbench.bench.commands.orders.ordering import seconds
    from ipcbench.bench.plan.options import Options
    from ipcbench.bench.selftest.selftest import BUDGET, Order

    options = Options(**chosen)
    limit = seconds(budget, "--budget")
    planned = _planned(profile, options)
    return Order(
        plan=lambda: planned.plan,
        profile=profile,
        options=options,
        settings=planned.settings,
        command=command_line(),
        runs=runs or 0,
        budget=BUDGET if limit is None and not runs else limit,
        **more,
    )


def _planned(profile: str, options: Any) -> Planned:
    """Plan the cells of a selftest. Raises: BadConfig, SweepError."""
    from ipcbench.bench.plan.named import settings_of_named
    from ipcbench.bench.plan.profile import load_profile
    from ipcbench.bench.selftest.selftest import Planned
    from ipcbench.bench.sweep.plans.planning import planned

    chosen = load_profile(profile)
    if options.named:
        chosen = settings_of_named(chosen)
    found = planned(chosen, lambda cell: not cell.is_control, options)
    return Planned(found, chosen.settings)


def _new(order: Order) -> Path:
    from ipcbench.bench.selftest import selftest

    return selftest.new(order, progress_watcher)


def _resume(folder: Path) -> Path:
    from ipcbench.bench.selftest import selftest

    def planned(header: SelftestHeader) -> Planned:
        return _planned(header.profile, header.options)

    return selftest.resume(folder, command_line(), planned, progress_watcher)


def _finish(folder: Path, as_json: bool, *, keeps: bool) -> None:
    """Judge the runs that are over, write the result, and print it."""
    from ipcbench.bench.selftest.result import result_of
    from ipcbench.reports.gate.selftest import contradictions, lines

    stopped = interrupts.last()
    quoted = shlex.quote(str(folder))
    again = f"ipcbench selftest --resume {quoted}"
    if stopped is not None:
        print_error(as_line(f"Stopped: continue: {again}"))
    result = guarded(lambda: result_of(folder))
    if result is None:
        if stopped is not None:
            sys.exit(stopped.exit_code)
        raise CommandError(f"no run of the gate is over yet; continue: {again}")
    chart = guarded(lambda: _write(folder, result))
    note = guarded(lambda: _keep(result)) if keeps else ""
    wrong = contradictions(result)
    if as_json:
        print_json(_as_data(folder, chart, result, wrong, note))
    else:
        for line in (*lines(result), *wrong, f"chart: {chart}", note):
            if line:
                click.echo(one_line(line, LONGEST_MESSAGE))
    if not result.equal and not any(result.slowed_by(asked) for asked in result.asked):
        sys.exit(COULD_NOT_MEASURE)
    if wrong:
        sys.exit(CONTRADICTED)


def _as_data(
    folder: Path, chart: Path, result: SelftestResult, wrong: list[str], note: str
) -> dict[str, Any]:
    import msgspec

    data: dict[str, Any] = msgspec.to_builtins(result)
    more = {"folder": str(folder), "chart": str(chart), "contradictions": wrong, "note": note}
    return {**data, **more}


def _write(folder: Path, result: SelftestResult) -> Path:
    """Write the result and its chart; return the chart's path. Raises: OSError."""
    import logging

    from ipcbench.bench.results.comparison.selftest import NAME, write
    from ipcbench.bench.results.files import write_atomically

    # Where matplotlib cannot keep its font cache, it logs long lines that help no user here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from ipcbench.reports.charts.kinds.selftest import selftest_chart
    from ipcbench.reports.drawing.figures import draw

    try:
        write(result, folder / NAME)
        drawn = draw(selftest_chart(result))
        write_atomically(folder / f"{CHART}.svg", drawn.svg)
        write_atomically(folder / f"{CHART}.png", drawn.png)
    except OSError as error:
        raise CommandError(f"{describe(error)}: the result cannot be written") from error
    return folder / f"{CHART}.svg"


def _keep(result: SelftestResult) -> str:
    """Keep a result for later comparisons; return what is to be said of that."""
    from ipcbench.bench.selftest.store import keep

    if result.clock != REAL:
        return "made-up times: not kept for later comparisons"
    return keep(result) or "kept: later comparisons on this machine show it beside their verdicts"


def could_see(comparison: Comparison) -> str:
    """Say what a comparison could have seen, by the selftest of its machine."""
    from ipcbench.bench.selftest.judging import kind_of
    from ipcbench.bench.selftest.store import newest
    from ipcbench.reports.gate.selftest import percent, sentence

    if comparison.header.clock != REAL:
        return ""
    found = newest(comparison.header.fingerprint)
    if found.result is None:
        return found.why
    delta = found.result.delta
    alike = [cell for cell in comparison.measured if cell.delta == delta]
    others = len(comparison.measured) - len(alike)
    # A slow-down below the half of a cell's own bound is never broken, however clear it is.
    bound = f"the selftest of this machine has a bound of {percent(delta, 1)}"
    if not alike:
        return f"{bound}, and these cells have others: what could have been seen is not known"
    text = sentence(found.result, {kind_of(cell) for cell in alike})
    return f"{text}; {bound}, and {others} of these cells have others" if others else text
