"""Folder of a run, and the link to the newest one."""

from __future__ import annotations

import os
import platform
import secrets
import shlex
import time
from itertools import count
from pathlib import Path

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.comparison import comparison
from ipcbench.bench.results.files import make_folder
from ipcbench.bench.results.journal import COMPARISON, SWEEP, Kind, Unreadable
from ipcbench.bench.results.records import SCHEMA
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep.display import Watcher
from ipcbench.transports.kernel_objects.ownership import check_way

RESULTS = Path("results")
LATEST = RESULTS / "latest"


def point_to(link: Path, target: str, watcher: Watcher) -> None:
    """Point the link `latest` at a run, unless its name belongs to something else."""
    if link.exists() and not link.is_symlink():
        watcher.note(
            f"{link} is not a link, and so does not lead to this run: rename it, and the next "
            "run makes the link"
        )
        return
    draft = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    try:
        draft.symlink_to(target)
        draft.replace(link)
    except OSError as error:
        watcher.note(f"{link} cannot be updated: {error.strerror}")
    finally:
        draft.unlink(missing_ok=True)


def prepare(wanted: Path | None, kind: Kind = SWEEP) -> tuple[Path, bool]:
    """Return the folder for a new run, and whether it was created. Raises: SweepError, OSError.

    Args:
        wanted: None: a new one below `results/`.
        kind: that of its journal.
    """
    if wanted is not None:
        _check_name(wanted)
    folder = wanted or _named_by_time("" if kind == SWEEP else f"{kind.work}-")
    made = make_folder(folder)
    check_way(folder, chosen=True)
    # A sweep that was killed before its start leaves only a draft of its journal.
    if any(not each.name.startswith(f".{kind.name}.") for each in folder.iterdir()):
        raise SweepError(_why_not(folder))
    return folder, made


def _check_name(folder: Path) -> None:
    """Refuse a link that leads nowhere, and the name of the link `latest`. Raises: SweepError."""
    if folder.exists():
        return
    if folder.is_symlink():
        raise SweepError(
            f"{folder} is a link to {folder.readlink()}, which does not exist: remove the link, "
            "or choose another folder"
        )
    if folder.resolve() == LATEST.resolve():
        raise SweepError(f"{folder} is the link to the newest run: choose another folder")


def _why_not(folder: Path) -> str:
    """Say why a folder is not for a new run, and what to do."""
    if os.path.lexists(folder / COMPARISON.name):
        if _can_be_continued(folder):
            return (
                f"{folder} holds a comparison that was stopped: choose another folder, or continue "
                f"it: ipcbench compare --resume {shlex.quote(str(folder))}"
            )
        return f"{folder} holds a comparison: choose another folder"
    if not os.path.lexists(folder / SWEEP.name):
        return f"{folder} is not empty, and holds no run: choose another folder"
    if _can_go_on(folder):
        return (
            f"{folder} holds a run that was stopped: choose another folder, or continue that "
            f"run: ipcbench run --resume {shlex.quote(str(folder))}"
        )
    return f"{folder} holds a run: choose another folder"


def _can_go_on(folder: Path) -> bool:
    try:
        found = load(folder)
    except (Unreadable, OSError):
        return False
    stopped = found.ended is None or found.ended.reason == "interrupted"
    return found.header.schema == SCHEMA and stopped


def _can_be_continued(folder: Path) -> bool:
    try:
        found = comparison.load(folder)
    except (Unreadable, OSError):
        return False
    return found.ended is None or found.ended.reason == "interrupted"


def _named_by_time(prefix: str) -> Path:
    """Choose a new folder by time and host, with a number if that name exists."""
    name = f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}-{platform.node() or 'host'}"
    folders = (RESULTS / (name if n == 1 else f"{name}-{n}") for n in count(1))
    return next(folder for folder in folders if not os.path.lexists(folder))
