"""Checks of an arm that has said which ipcbench and which plug-ins it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.description import Description, canonical
from ipcbench.bench.arms.making import Made
from ipcbench.bench.workers.job import PROTOCOL
from ipcbench.transports import registry

Note = Callable[[str], None]
OURS = "ipcbench"


def check(made: Made, found: Description) -> None:
    """Check that it can be played, and that it is what it was made for. Raises: ArmError."""
    if found.failure:
        raise ArmError(
            f"its interpreter has no ipcbench that can be used: {found.failure}",
            f"install ipcbench with all that it needs for {made.executable}",
        )
    if found.protocol != PROTOCOL:
        raise ArmError(
            f"ipcbench {found.version} there has version {found.protocol} of the protocol, and "
            f"the command has version {PROTOCOL}",
            "compare versions of ipcbench that have the same one",
        )
    for project in made.projects:
        _check_origin(project, made, found)
        _check_planned(project, found)


def _check_planned(project: str, found: Description) -> None:
    """Check that the command knows transports of a project, to plan cells of them."""
    plugin = found.plugin(project)
    if plugin is not None and not set(plugin.names) & set(registry.names()):
        raise ArmError(
            f"the command itself has no {', '.join(plugin.names)}: it would plan no cell of it",
            f"install {project} for the command as well: pip install FOLDER",
        )


def _check_origin(project: str, made: Made, found: Description) -> None:
    """Check that a project that was installed for the arm is the one that it imports."""
    where = _origin(project, found)
    if made.own is not None and where and not _is_in(where, made.own):
        raise ArmError(
            f"{project} is imported from {where}, and not from what was built for it",
            f"remove {where}, or take it off the path",
        )


def check_here(name: str, here: Description, other: Made, note: Note) -> None:
    """Say where `here` is not the work tree of which the other arm is a revision."""
    for newer in (here.newer, *(plugin.newer for plugin in here.plugins)):
        if newer:
            note(
                f"{name}: {newer} is newer than what is compiled of it: install it anew, or give "
                f"--{name} rev:HEAD"
            )
    for project in other.projects if other.tree is not None else ():
        where = _origin(project, here)
        if where and other.tree is not None and not _is_in(where, other.tree):
            note(
                f"{name}: here runs {project} from {where}, and not the work tree in {other.tree}:"
                f" pip install --editable {other.tree}, or --{name} rev:HEAD"
            )


def _origin(project: str, found: Description) -> str:
    """Return the file or folder of a project's code; "" if it has no transports."""
    if canonical(project) == OURS:
        return found.package
    plugin = found.plugin(project)
    return "" if plugin is None else plugin.where


def _is_in(where: str, folder: Path) -> bool:
    return Path(where).resolve().is_relative_to(folder.resolve())
