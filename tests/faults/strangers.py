"""A second user on the machine, for tests: a forked process that has become another user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.testing.actors import Actor

STRANGER = 65533  # a uid that nobody has
DENIED = (PermissionError, posix_ipc.PermissionsError, sysv_ipc.PermissionsError)

Try: TypeAlias = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""What he would have achieved, what he calls, and with what."""


def become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def may_become(uid: int) -> bool:
    """Root may, unless its user namespace does not know that uid: user_namespaces(7)."""
    pid = os.fork()
    if pid == 0:
        try:
            become(uid)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not may_become(STRANGER),
    reason="only root becomes another user: run the tests as root to play this",
)


@pytest.fixture
def stranger() -> Iterator[Actor]:
    with Actor(partial(become, STRANGER)) as actor:
        yield actor


def attempts(_: object, tries: list[Try]) -> list[str]:
    """What was not refused, in words."""
    achieved = []
    for what, function, arguments in tries:
        try:
            function(*arguments)
            achieved.append(what)
        except DENIED:
            pass
        except Exception as error:
            achieved.append(f"{what}: {error!r}")
    return achieved


def perform(_: object, function: Callable[..., Any], *arguments: Any) -> Any:
    """Have him do it."""
    return function(*arguments)
