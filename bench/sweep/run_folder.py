"""Folder of a run, and the link to the newest one."""

from __future__ import annotations

import os
import platform
import secrets
import time
from itertools import count
from pathlib import Path

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.files import make_folder
from ipcbench.bench.results.journal import NAME as JOURNAL
from ipcbench.bench.sweep.display import Watcher
from ipcbench.transports.kernel_objects.ownership import check_way


def point_to(link: Path, target: str, watcher: Watcher) -> None:
    """Point the link `latest` at a run, unless its name belongs to something else."""
    if link.exists() and not link.is_symlink():
        return
    draft = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    try:
        draft.symlink_to(target)
        draft.replace(link)
    except OSError as error:
        draft.unlink(missing_ok=True)
        watcher.note(f"{link} cannot be updated: {error.strerror}")


def prepare(wanted: Path | None) -> tuple[Path, bool]:
    """Return the folder for a new run, and whether it was created. Raises: SweepError, OSError."""
    folder = wanted or _named_by_time()
    made = make_folder(folder)
    check_way(folder, chosen=True)
    # A sweep that was killed before its start leaves only a draft of its journal.
    if any(not each.name.startswith(f".{JOURNAL}.") for each in folder.iterdir()):
        raise SweepError(f"{folder} is not empty: choose another, or --resume {folder}")
    return folder, made


def _named_by_time() -> Path:
    """Choose a new folder by time and host, with a number if that name exists."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{platform.node() or 'host'}"
    folders = (Path("results", name if n == 1 else f"{name}-{n}") for n in count(1))
    return next(folder for folder in folders if not os.path.lexists(folder))
