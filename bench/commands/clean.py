"""`ipcbench clean`: remove the leftovers of killed runs."""

from __future__ import annotations

from contextlib import suppress

import click

from ipcbench.bench.commands.errors import LONGEST_MESSAGE, guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import print_json
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.untrusted import one_line

UNFINISHED = "some leftovers may still be there; run the command again"


@click.command("clean")
@click.option("--orphans", is_flag=True, help="List objects whose ledger and users are gone.")
@click.option("--remove", is_flag=True, help="With --orphans: remove them.")
@click.option("--arms", is_flag=True, help="Remove the environments built for `compare`.")
@json_option
def command(orphans: bool, remove: bool, arms: bool, as_json: bool) -> None:
    """Remove the leftovers of killed runs.

    Objects of a running one are not touched. A ledger of another host or PID namespace
    is left alone, and shown; those of older versions in one line. The environments that
    `compare` builds are kept for its next run, up to 512 MiB; those of a killed build are
    removed. --arms removes all that no command uses.

    --orphans lists objects of this user that no ledger names, as a killed container
    leaves them, and removes nothing without --remove. An object that a process unknown
    here may use is undecided, and stays.

    Exit codes: 0, even if something is left; 3 where it cannot be found out.

    \b
    Example:
      ipcbench clean
      ipcbench clean --orphans
      ipcbench clean --orphans --remove
      ipcbench clean --arms
    """
    if remove and not orphans:
        raise click.UsageError("--remove is for --orphans: clean removes by itself")
    if arms and orphans:
        raise click.UsageError("--arms and --orphans exclude each other: run clean twice")
    interrupts.say(UNFINISHED)
    if arms:
        _clean_arms(as_json)
    elif orphans:
        _clean_orphans(remove, as_json)
    else:
        _clean_by_ledgers(as_json)


def _clean_arms(as_json: bool) -> None:
    from ipcbench.bench.arms import cache

    removed, used = guarded(cache.remove_all)
    if as_json:
        print_json({"removed": removed, "used": used})
        return
    for word, shown in (("removed", removed), ("in use", used)):
        for path in shown:
            click.echo(one_line(f"{word} {path}", LONGEST_MESSAGE))
    arms = "arm" if len(removed) == 1 else "arms"
    click.echo(f"{len(removed)} {arms} removed, {len(used)} in use")


def _clean_by_ledgers(as_json: bool) -> None:
    from ipcbench.bench.arms.arm import ArmError
    from ipcbench.bench.arms.cache import remove_unfinished
    from ipcbench.bench.machine.guardian import clean_up
    from ipcbench.transports.kernel_objects.elsewhere import left_alone, together
    from ipcbench.transports.kernel_objects.ledger import abandoned

    removed = guarded(lambda: [name for ledger in abandoned() for name in clean_up(ledger)])
    with suppress(ArmError):  # of a folder that `compare` refuses, with its reason
        removed += remove_unfinished()
    left = guarded(left_alone)
    if as_json:
        print_json({"removed": removed, "left": [each.as_dict() for each in left]})
        return
    for name in removed:
        click.echo(f"removed {one_line(name)}")
    for each in together(left):
        told = f"left {each.ledger}: {each.reason}: {each.remedy}"
        click.echo(one_line(told, LONGEST_MESSAGE))
    click.echo(f"{len(removed)} objects removed")


def _clean_orphans(remove: bool, as_json: bool) -> None:
    from ipcbench.transports.kernel_objects import orphans

    found = guarded(orphans.candidates)
    listed = [each for each in found if not each.doubt]
    removed, left = guarded(lambda: orphans.remove(found)) if remove else ([], found)
    unlisted = orphans.unlisted()
    undecided = [each for each in left if each.doubt]
    if as_json:
        print_json(
            {
                "orphans": [each.as_dict() for each in listed],
                "undecided": [each.as_dict() for each in undecided],
                "removed": [str(each) for each in removed],
                "unlisted": [each.as_dict() for each in unlisted],
            }
        )
        return
    for word, shown in (("removed", removed), ("undecided", undecided)):
        for each in shown:
            click.echo(one_line(f"{word} {each}: {each.reason}", LONGEST_MESSAGE))
    for kind in unlisted:
        click.echo(f"not listed: {kind.what}: {kind.reason}: {kind.remedy}")
    if remove:
        click.echo(f"{len(removed)} orphans removed, {len(undecided)} undecided")
        return
    for each in listed:
        click.echo(one_line(f"orphan {each}: {each.reason}", LONGEST_MESSAGE))
    how = ": ipcbench clean --orphans --remove removes the orphans" if listed else ""
    click.echo(f"{len(listed)} orphans, {len(undecided)} undecided{how}")
