"""`ipcbench report`: write the page and the suite of a run again."""

from __future__ import annotations

from pathlib import Path

import click

from ipcbench.bench.commands.errors import LONGEST_MESSAGE, guarded
from ipcbench.bench.commands.options import json_option, run_folder
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.untrusted import one_line


@click.command("report")
@run_folder
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Write the page and the suite of a run again, from its journal.

    \b
    Example:
      ipcbench report results/latest
    """
    from ipcbench.transports.kernel_objects.ownership import check_way

    def write() -> Path:
        interrupts.say("the page may be the earlier one; run the command again")
        check_way(folder, chosen=True)
        return write_page(folder)

    page = guarded(write)
    if as_json:
        print_json({"folder": str(folder), "page": str(page)})
    else:
        click.echo(f"page: {one_line(str(page), LONGEST_MESSAGE)}")


def write_page(folder: Path) -> Path:
    """Write the suite, the table and the page from the journal. Raises: OSError, Unreadable."""
    import logging

    from ipcbench.bench.results.files import write_atomically
    from ipcbench.bench.results.results import load
    from ipcbench.bench.results.suite import write_suite

    # Where matplotlib cannot keep its font cache, it logs long lines that help no user here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from ipcbench.reports.export.formats import to_csv
    from ipcbench.reports.export.rows import cell_rows
    from ipcbench.reports.page.page import write

    results = load(folder)
    write_suite(results, folder / "suite.json")
    write_atomically(folder / "results.csv", to_csv(cell_rows(results)).encode())
    return write(results, folder)
