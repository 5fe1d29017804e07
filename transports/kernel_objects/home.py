"""Private folder of ledgers and socket paths, and the form of private names."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ownership import check_way, user

PREFIX = "ipcbench-"


REMEDY = "make room there, or set XDG_RUNTIME_DIR to another folder of yours"


KEY_BITS = 31  # a System V key is a C int: sysv_ipc cuts a longer one in silence


def home() -> Path:
    """Return the private folder (0700) of ledgers and socket paths; create it if it is missing.

    Raises:
        PermissionError: it is another user's, others may enter it, or they could
            replace it.
        Unavailable: it cannot be created.
    """
    named = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = named / f"{PREFIX}{os.getuid()}"
    try:
        folder = named.resolve() / folder.name
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}", REMEDY) from error
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not private or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(
            f"{folder} is not a folder of ours alone (0700), it belongs to {user(found.st_uid)}: "
            "remove it, or set XDG_RUNTIME_DIR to a folder of your own"
        )
    try:
        check_way(folder)
    except PermissionError as error:
        raise PermissionError(f"{error} (XDG_RUNTIME_DIR says which)") from error
    return folder
