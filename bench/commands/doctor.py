"""`ipcbench doctor`: check whether this machine is fit to measure on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import console, print_json
from ipcbench.bench.results.severity import Severity

if TYPE_CHECKING:
    from ipcbench.bench.sweep.fitness.finding import Finding
    from ipcbench.bench.sweep.fitness.verdict import Verdict

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

    Examines placements, noise, limits and transports for two seconds. The verdict is fit, fit with
    reservations (a warning), or not fit (a problem); a note does not count. Each finding says what
    to change.

    Exit codes: 0 where it is fit, with reservations or without; 2 where it is not fit; 3 where it
    cannot be found out.

    \b
    Example:
      ipcbench doctor
      ipcbench doctor && ipcbench run
    """
    from ipcbench.bench.sweep.fitness.examination import examine
    from ipcbench.bench.sweep.fitness.verdict import verdict

    findings = guarded(examine)
    found = verdict(findings)
    if as_json:
        print_json(
            {
                "verdict": found.words,
                "because": list(found.because),
                "exit_code": found.exit_code,
                "findings": [finding.as_dict() for finding in findings],
            }
        )
    else:
        _print(found, findings)
    sys.exit(found.exit_code)


def _print(found: Verdict, findings: Sequence[Finding]) -> None:
    """Print the verdict, and below it the findings, the worst first."""
    from rich.table import Table
    from rich.text import Text

    worst = max((one.severity for one in findings), default=Severity.OK)
    console().print(Text(f"This machine is {found}", style=STYLES[worst]), soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for finding in sorted(findings, key=lambda one: one.severity, reverse=True):
        table.add_row(
            Text(finding.severity.word, style=STYLES[finding.severity]),
            Text(finding.topic),
            Text(finding.text),
            Text(finding.remedy, style="dim"),
        )
    console().print(table)
