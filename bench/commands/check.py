"""`ipcbench check`: check a run against its promises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.options import json_option, run_folder
from ipcbench.bench.commands.output import print_json


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
@json_option
def command(folder: Path, thresholds: Path, as_json: bool) -> NoReturn:
    """Check a run against promises.

    Exits with 1 when a promise is broken, else with 3 when one could not be
    measured, else with 2 when one is inconclusive or the run's controls
    differ from their originals, else with 0.

    \b
    Example:
      ipcbench check results/latest --thresholds thresholds.toml
    """
    from ipcbench.bench.results.results import load
    from ipcbench.reports.gate import judge
    from ipcbench.reports.gate.thresholds import load_thresholds

    with refused_in_one_line():
        judged = judge.check_promises(load_thresholds(thresholds), guarded(lambda: load(folder)))
    if as_json:
        print_json(judge.to_json(judged))
    else:
        click.echo(judge.render(judged))
    sys.exit(judge.exit_code(judged))


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Turn a thresholds file that cannot be used into a CommandError."""
    from ipcbench.reports.gate.thresholds import BadThresholds

    try:
        yield
    except BadThresholds as error:
        raise CommandError(str(error)) from error
