"""`ipcbench check`: check a run against its promises."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.options import run_folder
from ipcbench.bench.commands.outputs import Written, chosen_format, give_out, output_options

if TYPE_CHECKING:
    from ipcbench.bench.results.results import Results
    from ipcbench.reports.gate.remedy import Again


@click.command("check")
@run_folder
@click.option(
    "--thresholds",
    default="thresholds.toml",
    show_default=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The promises to check the run against.",
)
@output_options
def command(
    folder: Path, thresholds: Path, form: str | None, written: Sequence[Written], as_json: bool
) -> NoReturn:
    """Check a run against promises.

    The looks of `ipcbench run --promised FILE` count; a run without looks at these promises is
    judged once.

    Exits with 1 when a promise is broken, else with 3 when one could not be
    measured, else with 2 when one is inconclusive, else with 0. No promise is
    kept on a placement where a control differs from its original.

    \b
    Example:
      ipcbench check results/latest --thresholds thresholds.toml
      ipcbench check results/gate --write junit=gate.xml --write markdown=gate.md
    """
    from ipcbench.bench.results.results import load
    from ipcbench.reports.gate import judge
    from ipcbench.reports.gate.checked import report_of
    from ipcbench.reports.gate.thresholds import load_thresholds

    chosen = chosen_format(form, as_json)
    with refused_in_one_line():
        promises, results = load_thresholds(thresholds), guarded(lambda: load(folder))
        again = going_on(folder, results, thresholds)
        judged = judge.check_promises(promises, results, again)
    report = report_of(judged, results, folder, thresholds)
    give_out(report, chosen, written)
    sys.exit(report.exit_code)


def going_on(folder: Path, results: Results, thresholds: Path) -> Again:
    """Return the commands that measure more.

    A new run has the profile and the axes of the run's own command, by which it has the same cells.
    """
    from ipcbench.bench.commands.run import command as run
    from ipcbench.bench.plan.options import Options
    from ipcbench.reports.gate.remedy import Again

    words = ["ipcbench", "run", "--promised", str(thresholds), "--until-decided"]
    given = run.make_context("run", results.header.command[2:], resilient_parsing=True).params
    for option in run.params:
        values = given.get(option.name or "") or ()
        if option.name == "profile" and values != option.default:
            words += [option.opts[-1], str(values)]
        elif option.name in Options.__struct_fields__ and option.name != "named":
            words += [word for value in values for word in (option.opts[-1], str(value))]
    return Again(shlex.join(words), shlex.join(["ipcbench", "run", "--resume", str(folder)]))


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Turn a thresholds file that cannot be used into a CommandError."""
    from ipcbench.reports.gate.thresholds import BadThresholds

    try:
        yield
    except BadThresholds as error:
        raise CommandError(str(error)) from error
