"""Removal of kernel objects by their names, provided that they are those of our user.

Each function takes the name, and the time at which it was announced (seconds since the
epoch; None: any). It raises FileNotFoundError where the object is gone already, or where
the object of this name is another user's: root could remove it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ipcbench.transports.kernel_objects import sysv_tables

MAKING = 60.0  # seconds from announcing an object to making it, at the very most


def file(path: str, at: float | None = None) -> None:
    """Remove a file."""
    _check_owner(os.lstat(path).st_uid, path)
    Path(path).unlink()


def folder(path: str, at: float | None = None) -> None:
    """Remove a folder with its files."""
    _check_owner(os.lstat(path).st_uid, path)
    shutil.rmtree(path)


def _check_owner(owner: int, name: str) -> None:
    """Raise FileNotFoundError for another user's object, which root could remove."""
    if owner != os.geteuid():
        raise FileNotFoundError(name)


def posix_memory(name: str, at: float | None = None) -> None:
    """Remove a shared memory object: shm_unlink(3)."""
    import posix_ipc

    _check_owner(Path("/dev/shm", name.removeprefix("/")).lstat().st_uid, name)
    with _found(posix_ipc, name):
        posix_ipc.unlink_shared_memory(name)


def posix_semaphore(name: str, at: float | None = None) -> None:
    """Remove a named semaphore: sem_unlink(3)."""
    import posix_ipc

    _check_owner(Path("/dev/shm", f"sem.{name.removeprefix('/')}").lstat().st_uid, name)
    with _found(posix_ipc, name):
        posix_ipc.unlink_semaphore(name)


def posix_queue(name: str, at: float | None = None) -> None:
    """Remove a message queue: mq_unlink(3)."""
    import posix_ipc

    with _found(posix_ipc, name):
        queue = posix_ipc.MessageQueue(name, read=True, write=False)
        owner = os.fstat(queue.mqd).st_uid
        queue.close()
        _check_owner(owner, name)
        posix_ipc.unlink_message_queue(name)


def sysv_queue(key: str, at: float | None = None) -> None:
    """Remove a message queue: msgctl(2)."""
    import sysv_ipc

    _check_creator("msg", key, at)
    with _found(sysv_ipc, key):
        sysv_ipc.MessageQueue(int(key)).remove()


def sysv_memory(key: str, at: float | None = None) -> None:
    """Remove a segment: shmctl(2)."""
    import sysv_ipc

    _check_creator("shm", key, at)
    with _found(sysv_ipc, key):
        memory = sysv_ipc.SharedMemory(int(key))
        memory.detach()
        memory.remove()


def sysv_semaphore(key: str, at: float | None = None) -> None:
    """Remove a semaphore set: semctl(2)."""
    import sysv_ipc

    _check_creator("sem", key, at)
    with _found(sysv_ipc, key):
        sysv_ipc.Semaphore(int(key)).remove()


@contextlib.contextmanager
def _found(binding: Any, name: str) -> Iterator[None]:
    """Translate the binding's errors for an object that is gone or another user's.

    Two processes may clean up at once, so it may be gone in the meantime.

    Raises:
        FileNotFoundError: it is gone, or another user's.
    """
    try:
        yield
    except (binding.ExistentialError, binding.PermissionsError) as error:
        raise FileNotFoundError(name) from error


def _check_creator(table: str, key: str, at: float | None = None) -> None:
    """Check that the object of a key is the one that was announced at that time.

    Any number may be a key, and once our object is gone another program of our user
    may have the key: its object was made at another time. The times are in
    /proc/sysvipc (proc(5)); the binding does not have them for every kind.

    Raises:
        FileNotFoundError: it is not, or there is none.
    """
    for row in sysv_tables.rows(table):
        # Whole seconds, of a clock that is a tick behind.
        made = row.fields["ctime"]
        if row.key == key and row.ours and (at is None or at - 2 <= made <= at + MAKING):
            return
    raise FileNotFoundError(key)
