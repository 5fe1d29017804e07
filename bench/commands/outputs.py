"""Output of a gate's report: to standard output in one format, and to files in others."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.output import STANDARD, append_text, write_text

if TYPE_CHECKING:
    from ipcbench.reports.gate.report import GateReport

TABLE, JSON = "table", "json"
FORMATS = (TABLE, JSON, "junit", "markdown", "annotations")
SUMMARY = "GITHUB_STEP_SUMMARY"  # a file to which several commands of a step append


class Written(NamedTuple):
    """A file to write, and its format."""

    form: str
    path: Path


def _parsed(
    context: click.Context, option: click.Parameter, values: Sequence[str]
) -> tuple[Written, ...]:
    """Parse each `FORMAT=FILE`, before anything is measured; a callback of click."""
    found = tuple(map(_one, values))
    taken: set[str] = set()
    for form, path in found:
        where = os.path.realpath(path)
        if where in taken:
            raise click.BadParameter(f"{form}={path}: another format goes to that file: name two")
        replaced = path.is_file() or not path.exists()  # a terminal or a device is not
        if replaced and str(path) != STANDARD and not _is_summary(path):
            taken.add(where)
    return found


def _one(value: str) -> Written:
    form, equals, name = value.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{value!r}: write it as FORMAT=FILE, such as junit=gate.xml")
    if form not in FORMATS:
        raise click.BadParameter(f"{form!r} is no format: {', '.join(FORMATS)}")
    path = Path(name)
    if name == STANDARD:
        return Written(form, path)
    if path.is_dir():
        raise click.BadParameter(f"{name} is a folder: name a file")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}: create it")
    return Written(form, path)


_OPTIONS = (
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help="The format of the verdicts on standard output, table by default.",
    ),
    click.option(
        "--write",
        "written",
        multiple=True,
        shell_complete=completion.among(*(f"{form}=" for form in FORMATS)),
        callback=_parsed,
        metavar="FORMAT=FILE",
        help="Write the verdicts to a file as well, in one of these formats; may be repeated: "
        "--write junit=gate.xml --write markdown=gate.md. - is standard output; the file that "
        "GITHUB_STEP_SUMMARY names is appended to.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON: --format json."),
)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `give_out` takes."""
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), command)


def chosen_format(form: str | None, as_json: bool) -> str:
    """Return the format of standard output.

    Raises: UsageError where the options contradict each other.
    """
    if as_json and form not in (None, JSON):
        raise click.UsageError(f"--json and --format {form}: leave one of them out")
    return JSON if as_json else form or TABLE


def give_out(report: GateReport, form: str, written: Sequence[Written]) -> None:
    """Print the report, and write the files.

    Raises: CommandError where a file cannot be written.
    """
    from ipcbench.reports.gate.exports.formats import FORMATS as FUNCTIONS

    click.echo(FUNCTIONS[form](report), nl=False)
    for one in written:
        guarded(partial(_write, one.path, FUNCTIONS[one.form](report)))


def _write(path: Path, text: str) -> None:
    if _is_summary(path):
        append_text(path, text)
    else:
        write_text(path, text)


def _is_summary(path: Path) -> bool:
    summary = os.environ.get(SUMMARY, "")
    return bool(summary) and os.path.realpath(summary) == os.path.realpath(path)
