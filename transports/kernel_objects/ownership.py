"""Ownership of files and kernel objects: nothing of another user is opened by a name.

A fixed name in a folder where all users may write, or a System V key, may be
another user's by the time it is opened: only objects of our own user are opened,
and no symbolic link is followed. This holds for root too, which could open any.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from ipcbench.transports.base.sysctl import sysctl

_SHARED = stat.S_IWGRP | stat.S_IWOTH
_ALL_IDS = 2**32 - 1


def user(uid: int) -> str:
    """Describe a user: by name, or by number."""
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def check_ours(owner: int, what: object) -> None:
    """Check that something belongs to our user.

    Args:
        owner: its owner's uid.
        what: the thing as the error names it.

    Raises:
        PermissionError: it belongs to another user.
    """
    if owner != os.geteuid():
        raise PermissionError(
            f"{what} belongs to {user(owner)}, and not to us: choose another name, or remove it"
        )


def open_itself(path: str | Path, flags: int) -> int:
    """Open a file of this name that is no symbolic link; do not wait at a FIFO.

    Args:
        path: the file.
        flags: as of open(2); O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK are added.

    Raises:
        PermissionError: it is a symbolic link.
        OSError: open(2) fails.
    """
    try:
        # Without O_NONBLOCK, open(2) of a FIFO that another user put there would never return.
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionError(f"{path} is a symbolic link: name what it leads to") from error
        raise


def open_ours(path: str | Path, flags: int) -> int:
    """Open a file of our user by `open_itself`.

    Args:
        path: the file.
        flags: as of open(2).

    Raises:
        PermissionError: it is another user's, or a symbolic link.
        OSError: open(2) fails.
    """
    fd = open_itself(path, flags)
    try:
        check_ours(os.fstat(fd).st_uid, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def check_way(folder: Path, *, chosen: bool = False) -> None:
    """Check that no other user can replace a folder, nor any folder above it.

    Args:
        folder: the folder.
        chosen: the caller has named it, so folders of a single other user are
            accepted; but none that all users can write to.

    Raises:
        PermissionError: another user can; the text names the remedy.
        OSError: a folder cannot be examined.
    """
    for way in dict.fromkeys((folder.absolute(), folder.resolve())):
        _check_steps(way, chosen)


def _check_steps(way: Path, chosen: bool) -> None:
    below: Path | None = None
    for step in (way, *way.parents):
        status = step.lstat()
        foreign = _is_foreign(status.st_uid, chosen)
        if foreign and not chosen:
            raise PermissionError(
                f"{step} belongs to {user(status.st_uid)}; that user could replace {way}: "
                "take another folder"
            )
        shared = status.st_mode & (stat.S_IWOTH if chosen else _SHARED)
        if shared and not stat.S_ISLNK(status.st_mode):  # a link's own mode means nothing
            if below is None or not status.st_mode & stat.S_ISVTX:
                raise PermissionError(
                    f"others may write to {step}, and could replace what is in it: "
                    f"chmod {'go-w' if below is None else '+t'} {step}, or take another folder"
                )
            # With the sticky bit they cannot replace a folder, but may have made it first.
            owner = below.lstat().st_uid
            if _is_foreign(owner, chosen):
                raise PermissionError(
                    f"{below} belongs to {user(owner)}, and all users may write to {step}: "
                    "take another folder"
                )
        below = step


def _is_foreign(uid: int, chosen: bool) -> bool:
    """Tell whether a user is neither root nor ours, nor, if `chosen`, the user of sudo(8)."""
    if uid in (0, os.geteuid()):
        return False
    if chosen and os.geteuid() == 0 and os.environ.get("SUDO_UID") == str(uid):
        return False
    return uid not in _unmapped()


def _unmapped() -> Iterator[int]:
    """Yield the uid that stands for all users outside our user namespace: user_namespaces(7).

    The host's root is among them, which owns / in a container without root.
    """
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
        known = sum(int(line.split()[2]) for line in lines)
        if known < _ALL_IDS:
            yield sysctl("kernel.overflowuid")
    except OSError:
        return
