"""The cursor of the terminal: hidden while a bar is drawn, and shown again however that ends."""

from __future__ import annotations

import os
from contextlib import suppress

_SHOW = b"\x1b[?25h"  # DECTCEM: console_codes(4)


class _State:
    """The descriptor of the terminal whose cursor is hidden; -1: none."""

    fd = -1


def hidden(fd: int) -> None:
    """Note that the cursor of a terminal is hidden from now on."""
    _State.fd = fd


def shown() -> None:
    """Note that it is shown again."""
    _State.fd = -1


def restore() -> None:
    """Show the cursor, if it is hidden: a signal may have ended the bar in the middle."""
    fd, _State.fd = _State.fd, -1
    if fd >= 0:
        with suppress(OSError):  # the terminal is gone
            os.write(fd, _SHOW)
