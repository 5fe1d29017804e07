"""`ipcbench run`: measure, and write the results and a page."""

from __future__ import annotations

import math
import shlex
import sys
from collections import Counter
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
    experiment_options,
    given,
    json_option,
    named_transports,
    output_option,
    repeating,
    resume_option,
    run_folder_value,
)
from ipcbench.bench.commands.output import print_json, progress_watcher
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.untrusted import one_line

if TYPE_CHECKING:
    from ipcbench.bench.results.records import Observation
    from ipcbench.bench.results.results import Results


@click.command("run")
@named_transports
@click.option(
    "--profile",
    default="quick",
    show_default=True,
    shell_complete=completion.profiles,
    metavar="NAME|FILE",
    help="smoke, quick, standard, rigorous, or a TOML file of your own. Beside named transports, "
    "its rounds and blocks instead of the usual 12 rounds.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1_000_000),
    shell_complete=completion.rounds,
    metavar="N",
    help="Measure each cell in so many rounds, and judge the contests once, at the end.",
)
@click.option(
    "--budget",
    shell_complete=completion.times,
    metavar="TIME",
    help="Measure until this time is spent (90s, 3m, 1h), instead of the profile's number of "
    "rounds, or its own budget. An adaptive profile, such as quick, ends earlier where each "
    "contest is decided. With --until-decided: 5m by default. With --resume: the time of the whole "
    "sweep, what it has taken included, by which an adaptive one goes on with what is undecided.",
)
@axes
@click.option(
    "--tail",
    shell_complete=completion.times,
    metavar="TIME",
    help="Watch the messages of each cell of the pattern paced for that long (60s), over all "
    "rounds together, for events that are rare.",
)
@click.option(
    "--promised",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Only the cells that the promises of this thresholds file name, and their controls; "
    "the number of rounds is the profile's.",
)
@click.option(
    "--until-decided",
    is_flag=True,
    help="Go on with the cells of undecided promises until all are decided, or the budget spent.",
)
@output_option("run")
@resume_option("sweep", run_folder_value, ", but for --budget; failed cells are tried again")
@experiment_options
@click.option(
    "--dry-run",
    is_flag=True,
    help="Measure nothing: say which cells a run would have, and about how long it would take.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser at the end.")
@repeating(
    "sweep",
    "runs",
    "its page shows",
    ": for a machine that is never idle. The page says so",
)
@json_option
def command(
    profile: str,
    rounds: int | None,
    budget: str | None,
    tail: str | None,
    promised: Path | None,
    until_decided: bool,
    experiments: tuple[str, ...],
    no_experiments: bool,
    output: Path | None,
    resume: Path | None,
    dry_run: bool,
    opens: bool,
    seed: int | None,
    keep_disturbed: bool,
    clock: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Measure, and write the results and a page.

    With TRANSPORTS, by name or pattern, it measures exactly these, beside each other: round trips
    and streams of a few sizes, on one core and on two, in 12 rounds. Options give other sizes,
    patterns, placements and so on.

    Without, it measures a profile. Options then only leave out cells of it; a value that the
    profile does not have is refused.

    Ctrl-C stops after the current measurement; the measurements are kept, and
    the page is written all the same. A second one stops at once.

    \b
    Example:
      ipcbench run pipe unix-stream
      ipcbench run pipe 'shm:*' -s 64 -s 96K --placement same-core --dry-run
      ipcbench run --profile standard -t pipe -t unix-stream --rounds 8
      ipcbench run --budget 5m -o results/mine
    """
    from ipcbench.bench.commands.orders import ordering
    from ipcbench.bench.plan.options import Options
    from ipcbench.bench.sweep import sweep

    if dry_run and opens:
        raise CommandError("--dry-run writes no page: leave --open out")
    if resume is not None:
        folder = guarded(lambda: _resume(resume, budget))
    else:
        wanted = ordering.Given(
            profile=profile if "profile" in given() else None,
            rounds=rounds,
            budget=ordering.seconds(budget, "--budget"),
            tail=ordering.seconds(tail, "--tail"),
            options=Options(**chosen),
            promised=promised,
            until_decided=until_decided,
            experiments=experiments,
            no_experiments=no_experiments,
        )
        order = guarded(
            lambda: ordering.order(
                wanted,
                command=command_line(),
                seed=seed,
                folder=output,
                clock=clock,
                keep_disturbed=keep_disturbed,
            )
        )
        if dry_run:
            from ipcbench.bench.commands.orders.dry_run import print_plan

            print_plan(order, as_json)
            return
        folder = guarded(lambda: sweep.new(order, progress_watcher()))
    page = guarded(lambda: _write_page(folder))
    interrupts.say(f"the page is written: {page}")
    _print_result(folder, page, as_json)
    if opens:
        _open(page)


def _resume(folder: Path, budget: str | None) -> Path:
    from ipcbench.bench.commands.orders.ordering import seconds
    from ipcbench.bench.sweep import sweep

    if given() - {"resume", "budget", "as_json", "opens"}:
        raise CommandError(
            "--resume repeats the options of its sweep, and takes another --budget: leave the "
            "others out"
        )
    wanted = seconds(budget, "--budget")
    return sweep.resume(folder, command_line(), progress_watcher(), wanted)


def _write_page(folder: Path) -> Path:
    from ipcbench.bench.commands.report import write_page
    from ipcbench.bench.results.files import describe

    again = f"ipcbench report {shlex.quote(str(folder))}"
    if interrupts.last() is None:  # the sweep is complete: it needs no --resume
        interrupts.say(f"the measurements are kept, but the page is not written; write it: {again}")
    try:
        return write_page(folder)
    except OSError as error:
        raise CommandError(
            f"{describe(error)}: the page cannot be written, but the measurements are kept; "
            f"once that is solved: {again}"
        ) from error


def _print_result(folder: Path, page: Path, as_json: bool) -> None:
    from ipcbench.bench.decisions.contest import Verdict
    from ipcbench.bench.decisions.verdicts import of_results
    from ipcbench.bench.results.results import Status, load
    from ipcbench.bench.sweep.ending import why_few

    results = load(folder)
    promises = _decided_promises(results)
    verdicts = of_results(results)
    contests = len(verdicts)
    decided = sum(one.verdict is not Verdict.UNDECIDED for one in verdicts)
    played = Counter(map(_word, results.observations.values()))
    counts = {status.value: len(results.with_status(status)) for status in Status}
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "page": str(page),
                "cells": counts,
                "rounds": len(results.rounds),
                "contests": {"decided": decided, "all": contests},
                "promises": {"decided": promises, "all": len(results.promises)},
                "experiments": played,
                "seed": results.header.seed,
            }
        )
    else:
        numbers = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        rounds = len(results.rounds)
        click.echo(f"{rounds} {'round' if rounds == 1 else 'rounds'}; cells: {numbers}")
        if text := why_few(results):
            click.echo(as_line(text))
        if played:
            click.echo(f"experiments: {', '.join(f'{n} {word}' for word, n in played.items())}")
        if contests:
            noun = "contest" if contests == 1 else "contests"
            click.echo(f"{decided} of {contests} {noun} decided{_how_to_go_on(folder, results)}")
        if results.promises:
            noun = "promise" if len(results.promises) == 1 else "promises"
            click.echo(f"{promises} of {len(results.promises)} {noun} decided")
        _print_answers(folder, results)
        click.echo(f"page: {one_line(str(page), LONGEST_MESSAGE)}")
        click.echo(f"again: {one_line(_repeat(results), LONGEST_MESSAGE)}")
    _tell_stop(folder, results)
    if counts[Status.SKIPPED.value] == len(results.cells):
        raise CommandError(_why_all_skipped(results))
    if not any(True for _ in results.ok()):
        sys.exit(COULD_NOT_MEASURE)


def _how_to_go_on(folder: Path, results: Results) -> str:
    """Say how an adaptive sweep goes on whose budget is spent, with twice the time; else ""."""
    ended = results.ended
    if ended is None or ended.reason != "budget" or not results.header.settings.adaptive:
        return ""
    more = f"--budget {math.ceil(2 * results.spent / 60)}m"
    again = f"ipcbench run --resume {shlex.quote(str(folder))} {more}"
    return f"; more time: {one_line(again, LONGEST_MESSAGE)}"


def _repeat(results: Results) -> str:
    from ipcbench.reports.page.repeat import repeat

    return repeat(results)


def _print_answers(folder: Path, results: Results) -> None:
    from ipcbench.reports.terminal.summary import summary
    from ipcbench.reports.terminal.tiers import tiers

    if text := summary(results):
        quoted = shlex.quote(str(folder))
        compared = tiers(results, lambda task, situation: True)
        show = f"All of them: ipcbench show {quoted} --all"
        more = show if compared else f"All figures: ipcbench export {quoted}"
        click.echo("\n".join(["", *text, one_line(more, LONGEST_MESSAGE), ""]))


def _word(seen: Observation) -> str:
    return "failed" if seen.failed else "skipped" if seen.skipped else "played"


def _decided_promises(results: Results) -> int:
    """Return the number of promises that the looks of the sweep have decided."""
    stands = (stand for look in results.looks for stand in look.promises)
    return sum(stand.verdict != "inconclusive" for stand in stands)


def _open(page: Path) -> None:
    """Open the page in a browser, or say why not."""
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    if not opened:
        shown = one_line(str(page), LONGEST_MESSAGE)
        print_error(f"--open: no browser was found here: set BROWSER, or open {shown}")


def _tell_stop(folder: Path, results: Results) -> None:
    """Say how to continue a sweep that a signal stopped; if it measured nothing, exit."""
    signalled = interrupts.last()
    if signalled is None or results.ended is None or results.ended.reason != "interrupted":
        return
    measured = any(True for _ in results.ok())
    what = "the page has all that was measured" if measured else "nothing was measured yet"
    quoted = shlex.quote(str(folder))
    print_error(as_line(f"Stopped: {what}; continue: ipcbench run --resume {quoted}"))
    if not measured:
        sys.exit(signalled.exit_code)


def _why_all_skipped(results: Results) -> str:
    """The most frequent reason, with its remedy."""
    skips = [result.skipped for result in results.cells.values()]
    reasons = Counter((skip.reason, skip.remedy) for skip in skips if skip is not None)
    if not reasons:
        return "no cell was planned"
    ((reason, remedy), _), *others = reasons.most_common()
    more = f" (the page has {len(others)} more reasons)" if others else ""
    return f"all cells were skipped: {reason}{f': {remedy}' if remedy else ''}{more}"
