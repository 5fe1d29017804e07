"""Whose something is: what another user could have put where we look for ours.

A fixed name in a folder where everybody may write, or a System V key, may be
somebody else's by the time we come to it: we open nothing that is not our
user's, and follow no symbolic link to it. Root is no exception: it may open
everything, so it has the more reason to look.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_SHARED = stat.S_IWGRP | stat.S_IWOTH
_ALL_IDS = 2**32 - 1


def user(uid: int) -> str:
    """A user in words."""
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def check_ours(owner: int, what: object) -> None:
    """Raises: PermissionError where it belongs to another user."""
    if owner != os.geteuid():
        raise PermissionError(
            f"{what} belongs to {user(owner)}, and not to us: choose another name, or remove it"
        )


def open_itself(path: str | Path, flags: int) -> int:
    """open(2) of what has this very name, and no symbolic link. A FIFO does not wait.

    Raises: PermissionError (it is a link), OSError.
    """
    try:
        # Without O_NONBLOCK a FIFO that somebody has put there would keep us for ever.
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionError(f"{path} is a symbolic link: name what it leads to") from error
        raise


def open_ours(path: str | Path, flags: int) -> int:
    """`open_itself` of what is our user's.

    Raises: PermissionError, OSError.
    """
    fd = open_itself(path, flags)
    try:
        check_ours(os.fstat(fd).st_uid, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def check_way(folder: Path, *, chosen: bool = False) -> None:
    """See that nobody else can put another folder into the place of this one.

    `chosen`: the caller has said which, so a single other user's folders are
    none of our business; but still it must be none that just anybody can reach.
    Raises: PermissionError (what is wrong, and what would help), OSError.
    """
    for way in dict.fromkeys((folder.absolute(), folder.resolve())):
        _check_steps(way, chosen)


def _check_steps(way: Path, chosen: bool) -> None:
    below: Path | None = None
    for step in (way, *way.parents):
        status = step.lstat()
        strange = _is_strange(status.st_uid, chosen)
        if strange and not chosen:
            raise PermissionError(
                f"{step} belongs to {user(status.st_uid)}, who could replace {way}: "
                "take another folder"
            )
        shared = status.st_mode & (stat.S_IWOTH if chosen else _SHARED)
        if shared and not stat.S_ISLNK(status.st_mode):  # a link's own mode means nothing
            if below is None or not status.st_mode & stat.S_ISVTX:
                raise PermissionError(
                    f"others may write to {step}, and could replace what is in it: "
                    f"chmod {'go-w' if below is None else '+t'} {step}, or take another folder"
                )
            # With the sticky bit they cannot replace what is there, but may have been first.
            owner = below.lstat().st_uid
            if _is_strange(owner, chosen):
                raise PermissionError(
                    f"{below} belongs to {user(owner)}, and everybody may write to {step}: "
                    "take another folder"
                )
        below = step


def _is_strange(uid: int, chosen: bool) -> bool:
    """Whether that is neither root nor us; nor, where he chose, the user whom sudo(8) serves."""
    if uid in (0, os.geteuid()):
        return False
    if chosen and os.geteuid() == 0 and os.environ.get("SUDO_UID") == str(uid):
        return False
    return uid not in _unmapped()


def _unmapped() -> Iterator[int]:
    """What stands for all users whom our user namespace does not know: user_namespaces(7).

    The host's root is among them, to whom / belongs in a container without root.
    """
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
        known = sum(int(line.split()[2]) for line in lines)
        if known < _ALL_IDS:
            yield int(Path("/proc/sys/kernel/overflowuid").read_text())
    except OSError:
        return
