"""mq_open(3) through the C library: the binding drops the errno that names a limit."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_FOLDER = Path("/dev/mqueue")  # where mq_overview(7) says that it is mounted


class _Attributes(ctypes.Structure):
    """struct mq_attr: mq_getattr(3)."""

    _fields_ = (
        ("mq_flags", ctypes.c_long),
        ("mq_maxmsg", ctypes.c_long),
        ("mq_msgsize", ctypes.c_long),
        ("mq_curmsgs", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    )


def create_queue(name: str, depth: int, size: int) -> None:
    """Create a queue for this user alone, and close it.

    Args:
        name: its name, with the leading slash.
        depth: the messages that it holds.
        size: the bytes of a message, at most.

    Raises:
        OSError: mq_open(3) fails; FileExistsError where the name is taken.
    """
    library = ctypes.CDLL(None, use_errno=True)
    attributes = _Attributes(mq_maxmsg=depth, mq_msgsize=size)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    queue = library.mq_open(
        os.fsencode(name), flags, ctypes.c_uint(0o600), ctypes.byref(attributes)
    )
    if queue < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    library.mq_close(queue)


def queues_here() -> int:
    """Count the queues of this IPC namespace that its file system shows; 0 where it is hidden."""
    try:
        return len(list(_FOLDER.iterdir()))
    except OSError:
        return 0
