"""Forking of a child that runs one function and exits, and never returns to the caller."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from contextlib import suppress

FAILED = 1  # the exit code of a child whose function raised


def fork_child(body: Callable[[], int]) -> int:
    """Fork a child that calls a function and exits with the code that it returns.

    Any exception of the function, SystemExit and KeyboardInterrupt included, is written
    to standard error where that is possible, and the child exits with FAILED.

    Args:
        body: the function.

    Returns:
        The child's pid.

    Raises:
        OSError: fork(2) fails.
    """
    parent = os.getpid()
    try:
        pid = os.fork()
        if pid == 0:
            os._exit(_code_of(body))
        return pid
    finally:
        if os.getpid() != parent:  # the handler of a signal raised outside of `body`
            os._exit(FAILED)


def _code_of(body: Callable[[], int]) -> int:
    try:
        return body()
    except BaseException:
        with suppress(BaseException):  # standard error may be closed, or no file at all
            traceback.print_exc()
        return FAILED
