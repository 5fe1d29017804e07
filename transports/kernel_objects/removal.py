"""How an object is removed by its name, if it is the one that we made.

Each takes the name, and when that was announced (seconds since the epoch; None: no
matter). Each raises FileNotFoundError where the object is gone already, or where what
has the name is not ours: root could remove everybody's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAKING = 60.0  # seconds from announcing an object to making it, at the very most


def file(path: str, at: float | None = None) -> None:
    _mine(os.lstat(path).st_uid, path)
    Path(path).unlink()


def folder(path: str, at: float | None = None) -> None:
    _mine(os.lstat(path).st_uid, path)
    shutil.rmtree(path)


def _mine(owner: int, name: str) -> None:
    """Root could remove everybody's: it may not."""
    if owner != os.geteuid():
        raise FileNotFoundError(name)


def posix_memory(name: str, at: float | None = None) -> None:
    import posix_ipc

    _mine(Path("/dev/shm", name.removeprefix("/")).lstat().st_uid, name)
    with _there(posix_ipc, name):
        posix_ipc.unlink_shared_memory(name)


def posix_semaphore(name: str, at: float | None = None) -> None:
    import posix_ipc

    _mine(Path("/dev/shm", f"sem.{name.removeprefix('/')}").lstat().st_uid, name)
    with _there(posix_ipc, name):
        posix_ipc.unlink_semaphore(name)


def posix_queue(name: str, at: float | None = None) -> None:
    import posix_ipc

    with _there(posix_ipc, name):
        queue = posix_ipc.MessageQueue(name, read=True, write=False)
        owner = os.fstat(queue.mqd).st_uid
        queue.close()
        _mine(owner, name)
        posix_ipc.unlink_message_queue(name)


def sysv_queue(key: str, at: float | None = None) -> None:
    import sysv_ipc

    _made_by_us("msg", key, at)
    with _there(sysv_ipc, key):
        sysv_ipc.MessageQueue(int(key)).remove()


def sysv_memory(key: str, at: float | None = None) -> None:
    import sysv_ipc

    _made_by_us("shm", key, at)
    with _there(sysv_ipc, key):
        memory = sysv_ipc.SharedMemory(int(key))
        memory.detach()
        memory.remove()


def sysv_semaphore(key: str, at: float | None = None) -> None:
    import sysv_ipc

    _made_by_us("sem", key, at)
    with _there(sysv_ipc, key):
        sysv_ipc.Semaphore(int(key)).remove()


@contextlib.contextmanager
def _there(binding: Any, name: str) -> Iterator[None]:
    """Two may clean up at once: what another one has removed, or may keep from us, is none of ours.

    Raises: FileNotFoundError.
    """
    try:
        yield
    except (binding.ExistentialError, binding.PermissionsError) as error:
        raise FileNotFoundError(name) from error


def _made_by_us(table: str, key: str, at: float | None = None) -> None:
    """Whether what has the key is what was announced at that time, and no other program's.

    Any number may be a key, and once ours is gone another program of our user may
    have it: what it made was made at another time. From /proc/sysvipc (proc(5)),
    for the binding does not tell of every kind when it was made.
    Raises: FileNotFoundError.
    """
    head, *rows = Path("/proc/sysvipc", table).read_text().splitlines()
    for row in rows:
        found = dict(zip(head.split(), row.split(), strict=True))
        if found["key"] == key:
            ours = {found["uid"], found["cuid"]} == {str(os.geteuid())}
            made = int(found["ctime"])
            # Whole seconds, of a clock that is a tick behind.
            if ours and (at is None or at - 2 <= made <= at + MAKING):
                return
    raise FileNotFoundError(key)
