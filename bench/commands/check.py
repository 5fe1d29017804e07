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
from ipcbench.bench.commands.options import run_folder, run_folder_value
from ipcbench.bench.commands.outputs import Written, chosen_format, give_out, output_options

if TYPE_CHECKING:
    from ipcbench.bench.results.results import Results
    from ipcbench.reports.gate.baseline import Baseline
    from ipcbench.reports.gate.remedy import Again
    from ipcbench.reports.gate.thresholds import Thresholds


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
@click.option(
    "--baseline",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=run_folder_value,
    metavar="DIR",
    help="A stored run of this machine, for the promises with of_baseline_at_most.",
)
@click.option(
    "--advisory",
    is_flag=True,
    help="Take a baseline of another machine as well; what breaks its bounds is said, and does not "
    "count for the exit code.",
)
@output_options
def command(
    folder: Path,
    thresholds: Path,
    baseline: Path | None,
    advisory: bool,
    form: str | None,
    written: Sequence[Written],
    as_json: bool,
) -> NoReturn:
    """Check a run against promises.

    The looks of `ipcbench run --promised FILE` count; a run without looks at these promises is
    judged once.

    Exits with 1 when a promise is broken, else with 3 when one could not be
    measured, else with 2 when one is inconclusive, else with 0. No promise is
    kept on a placement where a control differs from its original. A promise that
    is made on other machines is not applicable; one about a change is not decided
    by a run, and the command that decides it is named.

    \b
    Example:
      ipcbench check results/latest --thresholds thresholds.toml
      ipcbench check results/gate --write junit=gate.xml --write markdown=gate.md
      ipcbench check results/gate --baseline results/stored
    """
    from ipcbench.bench.results.results import load
    from ipcbench.reports.gate.checked import check_run
    from ipcbench.reports.gate.thresholds import load_thresholds

    chosen = chosen_format(form, as_json)
    with refused_in_one_line():
        promises, results = load_thresholds(thresholds), guarded(lambda: load(folder))
        stored = _baseline(promises, folder, baseline, advisory)
        again = going_on(folder, results, thresholds)
        report = check_run(promises, results, folder, again, stored)
    give_out(report, chosen, written)
    sys.exit(report.exit_code)


def _baseline(
    promises: Thresholds, folder: Path, baseline: Path | None, advisory: bool
) -> Baseline | None:
    """Load the baseline; None where none is asked for. Raises: CommandError."""
    from ipcbench.bench.results.results import load
    from ipcbench.reports.gate.baseline import Baseline

    if baseline is None:
        if advisory:
            raise CommandError("--advisory: name the stored run with --baseline DIR")
        return None
    if not promises.baselines:
        raise CommandError(
            f"--baseline: {promises.path} has no promise about one: write `cells` and "
            'of_baseline_at_most = "1.1x"'
        )
    if baseline.resolve() == folder.resolve():
        raise CommandError(f"--baseline: {baseline} is the run itself: name another one")
    return Baseline(baseline, guarded(lambda: load(baseline)), advisory)


def going_on(folder: Path, results: Results, thresholds: Path) -> Again:
    """Return the commands that measure more.

    A new run has the profile and the axes of the run's own command, by which it has the same cells.
    """
    from ipcbench.bench.commands.run import command as run
    from ipcbench.bench.plan.options import Options
    from ipcbench.reports.gate.remedy import Again

    words = ["ipcbench", "run", "--promised", str(thresholds)]
    given = run.make_context("run", results.header.command[2:], resilient_parsing=True).params
    for option in run.params:
        values = given.get(option.name or "") or ()
        if option.name == "profile" and values != option.default:
            words += [option.opts[-1], str(values)]
        elif option.name in Options.__struct_fields__ and option.name != "named":
            words += [word for value in values for word in (option.opts[-1], str(value))]
    until_decided = [*words[:4], "--until-decided", *words[4:]]
    resume = ["ipcbench", "run", "--resume", str(folder)]
    return Again(shlex.join(until_decided), shlex.join(resume), shlex.join(words))


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Turn a thresholds file that cannot be used into a CommandError."""
    from ipcbench.reports.gate.thresholds import BadThresholds

    try:
        yield
    except BadThresholds as error:
        raise CommandError(str(error)) from error
