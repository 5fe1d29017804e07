"""The command line: the group of commands, and the console script."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from typing import NoReturn

import click

from ipcbench.bench import commands
from ipcbench.bench.commands.errors import COULD_NOT_MEASURE, Group, carry_out, print_error
from ipcbench.bench.machine.standard_streams import open_standard_streams
from ipcbench.bench.version import VERSION

ORDER = (
    "run",
    "report",
    "export",
    "check",
    "compare",
    "list",
    "doctor",
    "clean",
)  # in the help; others follow


def _found() -> Iterator[click.Command]:
    """The `command` of each file in `commands` that defines one."""
    for module in pkgutil.iter_modules(commands.__path__):
        file = importlib.import_module(f"{commands.__name__}.{module.name}")
        found = getattr(file, "command", None)
        if isinstance(found, click.Command):
            yield found


def _place(command: click.Command) -> tuple[int, str]:
    name = command.name or ""
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(VERSION, prog_name="ipcbench")
@click.pass_context
def cli(context: click.Context) -> None:
    """Measure the cost of inter-process communication on this Linux machine.

    \b
    Example:
      ipcbench run                 measure, and write a page
      ipcbench show results/latest the answers of the newest run
      ipcbench list                list the transports and their limits here
      ipcbench doctor              check whether this machine is fit to measure on
      ipcbench compare --base main tell whether a change slows anything down
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in sorted(_found(), key=_place):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the console script."""
    try:
        open_standard_streams()
    except OSError as error:
        print_error(f"Error: {os.devnull} cannot be opened: {error.strerror}")
        sys.exit(COULD_NOT_MEASURE)
    # A child that is started with `-m` would search the current folder first, and import any
    # module there that has one of our names: python(1), -P.
    os.environ["PYTHONSAFEPATH"] = "1"
    if "_IPCBENCH_COMPLETE" in os.environ:
        from ipcbench.bench.commands.shells.bash_completion import register

        register()
    carry_out(cli)
