"""Private folder of ledgers and socket paths, and the form of private names."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.ownership import check_way, user

PREFIX = "ipcbench-"


_ANOTHER = "set XDG_RUNTIME_DIR to a folder of your own"
_OR_ANOTHER = f"or {_ANOTHER}"
REMEDY = "make room there, or set XDG_RUNTIME_DIR to another folder of yours"


KEY_BITS = 31  # a System V key is a C int: sysv_ipc cuts a longer one in silence

# Private keys are 0x1c8xxxxx to 0x1cfxxxxx, so that those of a killed container are found
# without its ledger. The upper byte of ftok(3) is its proj_id, a letter or a small number in
# most programs.
KEY_RANDOM_BITS = 23
KEY_BASE = 0x39 << KEY_RANDOM_BITS


class UnfitFolder(PermissionError):
    """A folder at the place of the private one that cannot be used; its text says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


def home() -> Path:
    """Return the private folder (0700) of ledgers and socket paths; create it if it is missing.

    Raises:
        PermissionError: it is another user's, others may enter it, or they could
            replace it; or it is no folder, or not writable.
        Unavailable: it cannot be created.
    """
    named, variable = _named()
    try:
        folder = named.resolve() / f"{PREFIX}{os.getuid()}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        what = f"{folder} cannot be made: {error.strerror}"
        raise Unavailable(_with_link(what, named), _remedy(error, variable)) from error
    except RuntimeError as error:  # of Path.resolve, before Python 3.13
        raise Unavailable(f"{named} is a loop of links", _ANOTHER) from error
    if fault := _fault(folder, found):
        raise UnfitFolder(f"{folder} is not a folder of ours alone (0700): {fault[0]}", fault[1])
    try:
        check_way(folder)
    except PermissionError as error:
        raise PermissionError(f"{error} (XDG_RUNTIME_DIR says which)") from error
    return folder


def _named() -> tuple[Path, str]:
    """Return the folder in which `home()` lies, and the variable that names it, or ""."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given:
        return Path(given), "XDG_RUNTIME_DIR"
    try:
        return Path(tempfile.gettempdir()), "TMPDIR" if os.environ.get("TMPDIR") else ""
    except FileNotFoundError as error:
        raise Unavailable("no temporary folder can be written to", REMEDY) from error


def _with_link(what: str, named: Path) -> str:
    return f"{what} ({named} is a link to there)" if named.is_symlink() else what


def _remedy(error: OSError, variable: str) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and variable:
        # As after the end of a login session, with which its folder is removed: pam_systemd(8).
        return f"unset {variable}, or set it to a folder of yours that exists"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "set XDG_RUNTIME_DIR to a folder of yours in which you may write"
    return REMEDY


def _fault(folder: Path, found: os.stat_result) -> tuple[str, str] | None:
    """Return what is wrong with the folder, and the remedy."""
    if found.st_uid != os.getuid():
        remove = "remove it" if os.geteuid() == 0 else "have that user remove it"
        return f"it belongs to {user(found.st_uid)}", f"{remove}, {_OR_ANOTHER}"
    if stat.S_ISLNK(found.st_mode):
        return "it is a link", f"remove it, {_OR_ANOTHER}"
    if not stat.S_ISDIR(found.st_mode):
        return "it is a file", f"remove it, {_OR_ANOTHER}"
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077 or mode & 0o700 != 0o700:
        return f"its mode is {mode:04o}", f"chmod 700 {folder}, {_OR_ANOTHER}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "its file system is read-only", f"mount it writable, {_OR_ANOTHER}"
    return None
