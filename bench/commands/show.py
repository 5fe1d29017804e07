"""`ipcbench show`: the answers of a run, in the terminal."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.options import json_option, run_folder
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.results.axes import PATTERNS, PLACEMENTS, RUNTIMES, unknown

if TYPE_CHECKING:
    from ipcbench.reports.terminal.tiers import Wanted

Axes: TypeAlias = dict[str, tuple[str, ...] | tuple[int, ...]]


def _all_tasks() -> list[str]:
    from ipcbench.bench.decisions.tasks import TASKS

    return list(TASKS)


@click.command("show")
@run_folder
@click.option("--all", "everything", is_flag=True, help="All entrants of all tasks.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.tasks,
    help="All entrants of these tasks.",
)
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.patterns,
    help="Only these patterns: latency, stream …",
)
@click.option(
    "--runtime", "runtimes", multiple=True, type=click.Choice(RUNTIMES), help="Only this language."
)
@click.option(
    "--placement",
    "placements",
    multiple=True,
    type=click.Choice(PLACEMENTS),
    help="Only these placements.",
)
@click.option(
    "-s",
    "--size",
    "sizes",
    multiple=True,
    metavar="SIZE",
    shell_complete=completion.sizes,
    help="Only these sizes: 64, 4K (4096), 4KB (4000), 1M.",
)
@click.option(
    "-P",
    "--processes",
    multiple=True,
    type=int,
    metavar="N",
    shell_complete=completion.processes,
    help="Only these numbers.",
)
@json_option
def command(
    folder: Path,
    everything: bool,
    tasks: tuple[str, ...],
    patterns: tuple[str, ...],
    runtimes: tuple[str, ...],
    placements: tuple[str, ...],
    sizes: tuple[str, ...],
    processes: tuple[int, ...],
    as_json: bool,
) -> None:
    """Show how far a run may be trusted, and the facility to use for each kind of work.

    Filters choose among the answers. With --all, --task or --json: all entrants of each task and
    situation, the fastest first.

    \b
    Example:
      ipcbench show results/latest
      ipcbench show results/latest --runtime native --placement same-core
      ipcbench show results/latest --task small-request --runtime native
    """
    axes: Axes = {
        "pattern": patterns,
        "runtime": runtimes,
        "placement": placements,
        "size": tuple(map(_size, sizes)),
        "processes": processes,
    }
    _check("task", tasks, _all_tasks())
    _check("pattern", patterns, PATTERNS)
    wanted = _wanted(tasks, axes)
    if as_json:
        print_json(guarded(lambda: _data(folder, wanted)))
        return
    filtered = any(axes.values())
    text = guarded(
        lambda: (
            _tiers(folder, wanted)
            if everything or tasks
            else _summary(folder, wanted if filtered else None)
        )
    )
    click.echo("\n".join(text).rstrip())


def _wanted(tasks: tuple[str, ...], axes: Axes) -> Wanted:
    return lambda task, situation: (
        (not tasks or task in tasks)
        and all(not some or getattr(situation, axis) in some for axis, some in axes.items())
    )


def _check(axis: str, names: tuple[str, ...], known: list[str] | tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise CommandError(unknown(axis, name, known))


def _size(text: str) -> int:
    from ipcbench.bench.results.units import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise CommandError(f"--size: {error}") from error


def _summary(folder: Path, wanted: Wanted | None) -> list[str]:
    from ipcbench.bench.results.results import load
    from ipcbench.reports.terminal.summary import summary

    return _some(summary(load(folder), wanted), folder)


def _tiers(folder: Path, wanted: Wanted) -> list[str]:
    from ipcbench.bench.results.results import load
    from ipcbench.reports.terminal.tiers import tiers

    return _some(tiers(load(folder), wanted), folder)


def _some(text: list[str], folder: Path) -> list[str]:
    if not text:
        raise CommandError(
            f"{folder}: no answer to show; an answer needs two facilities in one situation, and "
            f"6 rounds of each; all figures: ipcbench export {shlex.quote(str(folder))}"
        )
    return text


def _data(folder: Path, wanted: Wanted) -> list[dict[str, object]]:
    from ipcbench.bench.results.results import load
    from ipcbench.reports.terminal.tiers import tiers_as_data

    return tiers_as_data(load(folder), wanted)
