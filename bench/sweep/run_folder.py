"""Folder of a run, and the link to the newest one."""

from __future__ import annotations

import os
import platform
import secrets
import shlex
import tempfile
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
    if not _is_empty(folder, kind):
        raise SweepError(_why_not(folder))
    return folder, made


def _is_empty(folder: Path, kind: Kind) -> bool:
    return all(each.name.startswith(f".{kind.name}.") for each in folder.iterdir())


def examine(wanted: Path | None, kind: Kind = SWEEP) -> None:
    """Refuse a folder that `prepare` would refuse, and create nothing that stays.

    Raises: SweepError.
    """
    folder = RESULTS if wanted is None else wanted
    try:
        if wanted is not None:
            _check_name(wanted)
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        check_way(there, chosen=True)
        if there == wanted and not _is_empty(there, kind):
            raise SweepError(_why_not(there))
        # Only an attempt shows it: root may write anywhere, but in /proc nothing can be made.
        Path(tempfile.mkdtemp(prefix=f".{kind.name}.", dir=there)).rmdir()
    except OSError as error:
        if error.errno is None:  # of `check_way`: it says what to do
            raise SweepError(str(error)) from error
        raise SweepError(
            f"{folder}: {error.strerror}: choose another folder with --output"
        ) from error


def _check_name(folder: Path) -> None:
    """Refuse a file, a link that leads nowhere, and the name `latest`. Raises: SweepError."""
    for each in (folder, *folder.parents):
        if each.exists() and not each.is_dir():
            raise SweepError(f"{each} is no folder: choose another folder with --output")
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
