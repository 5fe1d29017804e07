"""A second user on the machine, for tests: a forked process that has become another user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.testing.actors import Actor
from tests import namespaces

OTHER_UID = 65503 - namespaces.number()  # a uid without a user, and not NOBODY of confined.py
LOADED_LATE = (  # by transports, and the interpreter's files may be its owner's alone
    "_posixshmem",
    "multiprocessing.resource_tracker",
    "multiprocessing.shared_memory",
    "multiprocessing.synchronize",
)
DENIED = (PermissionError, posix_ipc.PermissionsError, sysv_ipc.PermissionsError)

Try: TypeAlias = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""The effect if the attempt succeeded, the function to call, and its arguments."""


def become(uid: int) -> None:
    """Become the user, for good, with all modules loaded that transports need."""
    for module in LOADED_LATE:
        import_module(module)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def may_become(uid: int) -> bool:
    """Test whether setuid(2) succeeds: root's user namespace may lack the uid."""
    pid = os.fork()
    if pid == 0:
        try:
            become(uid)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not may_become(OTHER_UID),
    reason="only root can become another user: run the tests as root",
)


@pytest.fixture
def other_user() -> Iterator[Actor]:
    with Actor(partial(become, OTHER_UID)) as actor:
        yield actor


def attempts(_: object, tries: list[Try]) -> list[str]:
    """Make the attempts; return the effects of those that were not refused."""
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
    """Call the function in the other user's process."""
    return function(*arguments)
