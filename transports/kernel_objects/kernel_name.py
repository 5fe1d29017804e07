"""Names under which kernel objects are created and removed."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.kernel_objects.ledger import announce, unwritten, withdraw
from ipcbench.transports.kernel_objects.names import fresh_name


def fresh_folder() -> Path:
    """A private folder of its own below `home()`, for what lives in the file system.

    Raises: Unavailable.
    """
    try:
        path = home() / fresh_name()
        announce("folder", str(path))
        path.mkdir(mode=0o700)
    except OSError as error:
        raise unwritten(error) from error
    return path


def remove_folder(path: Path) -> None:
    """Remove what `fresh_folder` made. Twice is harmless."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
    withdraw("folder", str(path))
