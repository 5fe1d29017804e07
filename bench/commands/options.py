"""Arguments and options that several commands share, and those for the axes of a sweep."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.loops.clock import FAKE, NOISY, REAL
from ipcbench.bench.results.axes import (
    MEANINGS,
    PLACEMENTS,
)

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
Check: TypeAlias = Callable[[click.Context, click.Parameter, Path | None], Path | None]


class Folder(click.Path):
    """A folder that need not exist. Python takes an empty name for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty: name a folder, or leave the option out", param, ctx)
        return super().convert(value, param, ctx)


def run_folder_value(
    context: click.Context, option: click.Parameter, folder: Path | None
) -> Path | None:
    """Check that a folder holds a run; a callback of click."""
    from ipcbench.bench.results.journal import COMPARISON, NAME

    if folder is None or os.path.lexists(folder / NAME):
        return folder
    if os.path.lexists(folder / COMPARISON.name):
        raise click.BadParameter(
            f"{folder} holds a comparison of two arms: ipcbench compare --show "
            f"{shlex.quote(str(folder))} prints its verdicts"
        )
    raise click.BadParameter(f"{folder} holds no run: it has no {NAME}")


def comparison_folder_value(
    context: click.Context, option: click.Parameter, folder: Path | None
) -> Path | None:
    """Check that a folder holds a comparison; a callback of click."""
    from ipcbench.bench.results.journal import COMPARISON, NAME

    if folder is None or os.path.lexists(folder / COMPARISON.name):
        return folder
    if os.path.lexists(folder / NAME):
        raise click.BadParameter(
            f"{folder} holds a run, and no comparison: ipcbench check "
            f"{shlex.quote(str(folder))} checks it against promises"
        )
    raise click.BadParameter(f"{folder} holds no comparison: it has no {COMPARISON.name}")


def given() -> set[str]:
    """Return the names of the parameters that the command line gives."""
    context = click.get_current_context()
    source = click.core.ParameterSource.COMMANDLINE
    return {name for name in context.params if context.get_parameter_source(name) is source}


def command_line() -> list[str]:
    """Return the command line as it was typed; a word that is not text is made text."""
    return ["ipcbench", *(os.fsencode(word).decode(errors="replace") for word in sys.argv[1:])]


run_folder = click.argument(
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=run_folder_value,
)

_EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


def output_option(what: str) -> Decorator:
    """Return the option for the folder of a new measurement, which is a `what`."""
    return click.option(
        "-o",
        "--output",
        type=Folder(file_okay=False, path_type=Path),
        metavar="DIR",
        help=f"Folder of the {what}, new or empty; a new one below results/ by default.",
    )


def resume_option(what: str, check: Check, more: str = "") -> Decorator:
    """Return the option that continues a `what`, whose folder passes a check."""
    return click.option(
        "--resume",
        type=_EXISTING,
        callback=check,
        metavar="DIR",
        help=f"Continue a stopped {what} with its own options{more}.",
    )


def show_option(check: Check, help_: str) -> Decorator:
    """Return the option that measures nothing, and shows what a folder holds."""
    return click.option("--show", type=_EXISTING, callback=check, metavar="DIR", help=help_)


def repeating(what: str, units: str, seen: str, more: str = "") -> Decorator:
    """Return the options for the seed, the rule of voids and the clock of a `what`.

    Args:
        units: what counts, or is void.
        seen: where the seed of an earlier `what` is found.
        more: what else there is to say of units that count whatever disturbs them.
    """
    seed = click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        metavar="N",
        help=f"Repeat the order of an earlier {what}: {seen} the seed.",
    )
    keep = click.option(
        "--keep-disturbed",
        is_flag=True,
        envvar="IPCBENCH_KEEP_DISTURBED",
        show_envvar=True,
        help=f"Count {units} that other processes or the hypervisor disturb, instead of repeating "
        f"them{more}.",
    )
    clock = click.option(
        "--clock",
        type=click.Choice((REAL, FAKE, NOISY)),
        default=REAL,
        hidden=True,
        help="fake: made-up times, for tests of everything but the times.",
    )
    return lambda command: seed(keep(clock(command)))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


named_transports = click.argument(
    "named", nargs=-1, metavar="[TRANSPORT]...", shell_complete=completion.transports
)

_AXES = (
    click.option(
        "-t",
        "--transport",
        "transports",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.transports,
        help="Only these of a profile, by name or pattern: -t pipe -t 'shm:*'.",
    ),
    click.option(
        "-s",
        "--size",
        "sizes",
        multiple=True,
        shell_complete=completion.sizes,
        metavar="SIZE",
        help="Only these message sizes: 64, 4K (4096), 4KB (4000), 1M.",
    ),
    click.option(
        "-P",
        "--processes",
        multiple=True,
        type=int,
        shell_complete=completion.processes,
        metavar="N",
        help="Only these numbers of processes.",
    ),
    click.option(
        "--pattern",
        "patterns",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.patterns,
        help="Only these patterns: latency, fan-in … `ipcbench list` shows those of a transport.",
    ),
    click.option(
        "--placement",
        "placements",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.placements,
        help="Only these placements: "
        + "; ".join(f"{name} ({MEANINGS[name]})" for name in PLACEMENTS)
        + ".",
    ),
    click.option(
        "--runtime",
        "runtimes",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.runtimes,
        help="Language of the timed loop: python, native (C), or both in one run.",
    ),
    click.option(
        "--wait",
        "waits",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.waits,
        help="How processes wait: block, poll (poll(2), then read), spin, or spin-block (look some "
        "number of times, then sleep).",
    ),
    click.option(
        "--looks",
        "looks",
        multiple=True,
        type=int,
        shell_complete=completion.looks,
        metavar="N",
        help="Looks of a receiver that waits by spin-block, before it sleeps.",
    ),
    click.option(
        "--batch",
        "batches",
        multiple=True,
        type=int,
        shell_complete=completion.batches,
        metavar="N",
        help="Messages a call, at most: 1, 16, 64.",
    ),
    click.option(
        "--payload",
        "payloads",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.payloads,
        help="The bytes that are sent: hot (the same again and again), fresh (written anew for "
        "each message, and read), cold (as fresh, in more buffers than the cache holds) or array "
        "(as fresh, NumPy arrays).",
    ),
    click.option(
        "--pace",
        "paces",
        multiple=True,
        shell_complete=completion.paces,
        metavar="NAME",
        help="closed, a pause between round trips (pause:1ms), or messages at a rate (load:50, "
        "poisson:50, rate:100000).",
    ),
    click.option(
        "--depth",
        "depths",
        multiple=True,
        type=int,
        shell_complete=completion.depths,
        metavar="N",
        help="Messages that a queue holds, where a transport can be asked for a number.",
    ),
    click.option(
        "--task",
        "tasks",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.tasks,
        help="Only the cells of a profile that serve these tasks, and their controls. "
        "`ipcbench list tasks`.",
    ),
)


_EXPERIMENTS = (
    click.option(
        "--experiment",
        "experiments",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.experiments,
        help="Play these experiments, by name or pattern, instead of the profile's. With options "
        "that choose cells, none is played without this one. `ipcbench list experiments`.",
    ),
    click.option("--no-experiments", is_flag=True, help="Play no experiments."),
)


def axes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose cells by their axes."""
    return reduce(lambda inner, option: option(inner), reversed(_AXES), command)


def experiment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the experiments of a sweep."""
    return reduce(lambda inner, option: option(inner), reversed(_EXPERIMENTS), command)
