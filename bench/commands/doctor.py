"""`ipcbench doctor`: check whether this machine is fit to measure on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import console, print_json
from ipcbench.bench.results.severity import Severity

if TYPE_CHECKING:
    from ipcbench.bench.sweep.finding import Finding

STYLES = {
    Severity.OK: "green",
    Severity.NOTE: "",
    Severity.WARNING: "yellow",
    Severity.PROBLEM: "red bold",
}


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Check whether this machine is fit to measure on.

    Examines placements, noise, limits and transports; remedies are shown.

    \b
    Example:
      ipcbench doctor
    """
    from ipcbench.bench.sweep.fitness import examine

    findings = guarded(examine)
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        _print_table(findings)


def _print_table(findings: Iterable[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.severity.word, style=STYLES[finding.severity]),
            Text(finding.topic),
            Text(finding.text),
            Text(finding.remedy, style="dim"),
        )
    console().print(table)
