"""Descriptors 0 to 2: open in every process of a run, on /dev/null where they were closed.

A process may be started with some of them closed (`>&-`, a daemon). The next descriptor
that it opens then gets a number below 3: open(2). What the process prints would be written
into a socket or a journal, and dup2(2) onto 1 or 2 would close that. Python has None in
place of such a stream.
"""

from __future__ import annotations

import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))  # by descriptor


def open_standard_streams() -> None:
    """Open on /dev/null those of the descriptors 0 to 2 that are closed. Raises: OSError.

    It comes first in a process, before anything else opens a descriptor.
    """
    for fd, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(fd)
        except OSError:
            _open_null(fd)
        if getattr(sys, name) is None:
            # It stays open, as the other standard streams do.
            stream = open(fd, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _open_null(fd: int) -> None:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened == fd:
        os.set_inheritable(fd, True)  # as a standard stream is
    else:
        os.dup2(opened, fd)
        os.close(opened)
