"""`ipcbench export`: write the figures of a run for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.options import run_folder
from ipcbench.bench.commands.output import write_text

FORMATS = ("csv", "markdown", "json")
CELLS, CONTESTS = ROWS = ("cells", "contests")


@click.command("export")
@run_folder
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="The format to write.",
)
@click.option(
    "--rows",
    type=click.Choice(ROWS),
    default=CELLS,
    show_default=True,
    help="One row for each cell, or for each contest with its verdict.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write; by default standard output.",
)
def command(folder: Path, form: str, rows: str, output: Path | None) -> None:
    """Write the figures of a run as CSV, as a table in Markdown, or as JSON.

    Times are in seconds. docs/format.md describes the columns.

    \b
    Example:
      ipcbench export results/latest --format markdown --rows contests
    """
    text = guarded(lambda: _text(folder, form, rows))
    if output is None:
        click.echo(text, nl=False)
    else:
        guarded(lambda: write_text(output, text))


def _text(folder: Path, form: str, rows: str) -> str:
    from ipcbench.bench.results.results import load
    from ipcbench.reports.export import formats
    from ipcbench.reports.export.rows import cell_rows, contest_rows

    results = load(folder)
    found = cell_rows(results) if rows == CELLS else contest_rows(results)
    return formats.FORMATS[form](found)
