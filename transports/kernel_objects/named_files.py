"""Files, folders and POSIX objects with a private name of ipcbench.

POSIX shared memory and semaphores are files in /dev/shm, POSIX queues in /dev/mqueue where
that is mounted: shm_overview(7), sem_overview(7), mq_overview(7).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.kernel_objects.names import is_private_name

MESSAGE_QUEUES = Path("/dev/mqueue")
_SHARED = (Path("/dev/shm"), MESSAGE_QUEUES, Path("/var/tmp"))


def last_part(path: Path) -> str:
    """Return the private name in a path: without the prefix of a semaphore."""
    return path.name.removeprefix("sem.")


def ours() -> list[Path]:
    """List those of our user in the folders in which ipcbench creates them, and no links."""
    found = [path for folder in (home(), *_SHARED) for path in _listed(folder)]
    return sorted(path for path in found if _is_ours(path))


def _listed(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):  # no such folder on this machine
        for entry in os.scandir(folder):
            path = Path(entry.path)
            if is_private_name(last_part(path)) or _is_draft(path):
                yield path


def _is_draft(path: Path) -> bool:
    """Tell whether it is a ledger that a kill has left without its final name."""
    return re.fullmatch(r"[0-9a-f]{16}\.new", path.name) is not None and path.parent == home()


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid() and not path.is_symlink()
    except OSError:
        return False
