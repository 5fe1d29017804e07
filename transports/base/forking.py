"""fork(2) whose child runs one function and ends: it never returns into its parent's code."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from contextlib import suppress

FAILED = 1  # the exit code of a child whose function raised


def fork_child(body: Callable[[], int]) -> int:
    """Fork; the child calls `body` and exits with the code that it returns. The child's pid.

    Whatever `body` raises, SystemExit and KeyboardInterrupt among it, is written to
    standard error where that is possible, and the child exits with FAILED. Raises: OSError.
    """
    parent = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            os._exit(_code_of(body))
        return pid
    finally:
        if os.getpid() != parent:  # a signal's handler raised outside of `body`
            os._exit(FAILED)


def _code_of(body: Callable[[], int]) -> int:
    try:
        return body()
    except BaseException:
        with suppress(BaseException):  # standard error may be closed, or no file at all
            traceback.print_exc()
        return FAILED
