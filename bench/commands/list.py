"""`ipcbench list`: what there is to measure, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import click

from ipcbench.bench.commands import completion
from ipcbench.bench.commands.errors import CommandError, guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import print_json

Entries: TypeAlias = list[dict[str, Any]]

# List -> the file in `listing` that has a function of this name, and one that prints what it
# returns. They are imported when they are needed.
LISTS = {
    "transports": "transports",
    "profiles": "profiles",
    "patterns": "axes",
    "placements": "axes",
    "waits": "axes",
    "tasks": "tasks",
    "experiments": "tasks",
}
TRANSPORTS = "transports"


@click.command("list")
@click.argument("what", nargs=-1, metavar="[LIST | TRANSPORT…]", shell_complete=completion.listed)
@json_option
def command(what: Sequence[str], as_json: bool) -> None:
    """List what there is to measure, in words.

    LIST is one of: transports, profiles, patterns, placements, waits, tasks, experiments. Without
    it, the transports are listed, with what each can do and its limits on this machine. With names
    of transports, or patterns such as 'shm:*', all about each is shown.

    For what is unavailable here, the reason and a remedy are shown.

    \b
    Example:
      ipcbench list
      ipcbench list profiles
      ipcbench list pipe 'shm:posix+*'
    """
    read, show = _chosen(what)
    entries = guarded(read)
    if as_json:
        print_json(entries)
    else:
        show(entries)


def _chosen(what: Sequence[str]) -> tuple[Callable[[], Entries], Callable[[Entries], None]]:
    """Return the function that reads a list, and the one that prints it."""
    lists = [word for word in what if word in LISTS]
    if lists and len(what) > 1:
        raise CommandError(f"{lists[0]} is a list of its own: ask for one list, or for transports")
    if what and not lists:
        from ipcbench.bench.commands.listing import one

        _refuse_unknown(what)
        return lambda: one.chosen(what), one.print_chosen
    name = lists[0] if lists else TRANSPORTS
    file = import_module(f"ipcbench.bench.commands.listing.{LISTS[name]}")
    return getattr(file, name), getattr(file, f"print_{name}")


def _refuse_unknown(words: Sequence[str]) -> None:
    """Refuse a word that is no list and that no transport matches. Raises: CommandError."""
    from difflib import get_close_matches

    from ipcbench.transports.registry import UnknownTransport, matching

    for word in words:
        try:
            list(matching(word))
        except UnknownTransport as error:
            close = get_close_matches(word, LISTS, n=1)
            if not close:
                raise CommandError(f"{error}; the lists are {', '.join(LISTS)}") from error
            raise CommandError(
                f"unknown list {word!r} (did you mean {close[0]!r}?): there are {', '.join(LISTS)}"
            ) from error
