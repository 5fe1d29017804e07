"""Errors that tell what this machine lacks: the experiment is skipped, and has not failed."""

from __future__ import annotations

import errno
import os

from ipcbench.transports.base import refused
from ipcbench.transports.contract import Unavailable

# A call that the kernel does not have or refuses, or a resource that is used up: errno(3).
_LACKS = {
    errno.ENOSYS, errno.EPERM, errno.EACCES,
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EAGAIN,
}  # fmt: skip


def lack_of(error: Exception) -> Unavailable | None:
    """Return what the machine lacks by an error, or None if the error is a fault."""
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, OSError) and error.errno in _LACKS:
        return refused(_named(error), error)
    return None


def in_words(lack: Unavailable) -> str:
    """Write the reason and the remedy, for a row of an experiment's table."""
    return f"{lack.reason} ({lack.remedy})" if lack.remedy else lack.reason


def _named(error: OSError) -> str:
    if error.filename is not None:
        return os.fsdecode(error.filename)
    return str(getattr(error, "call", "a call"))
