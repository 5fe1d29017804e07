"""`ipcbench clean`: remove the leftovers of killed runs."""

from __future__ import annotations

import click

from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.results.untrusted import one_line


@click.command("clean")
@json_option
def command(as_json: bool) -> None:
    """Remove the leftovers of killed runs.

    Objects of a running one are not touched.

    \b
    Example:
      ipcbench clean
    """
    from ipcbench.bench.machine.guardian import clean_up
    from ipcbench.transports.kernel_objects.ledger import abandoned

    removed = guarded(lambda: [name for ledger in abandoned() for name in clean_up(ledger)])
    if as_json:
        print_json({"removed": removed})
        return
    for name in removed:
        click.echo(f"removed {one_line(name)}")
    click.echo(f"{len(removed)} objects removed")
