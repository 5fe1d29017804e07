"""Tables of System V objects in /proc/sysvipc (proc(5)), and their control calls.

The calls take an object's number, which is not given again soon, and need no binding:
msgctl(2), semctl(2), shmctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass
from pathlib import Path

TABLES = {"sysv queue": "msg", "sysv memory": "shm", "sysv semaphore": "sem"}
NUMBERS = {"msg": "msqid", "shm": "shmid", "sem": "semid"}

# <linux/ipc.h>, <linux/sem.h>
_REMOVE, _GET_PID, _GET_WAITING, _GET_WAITING_FOR_ZERO = 0, 11, 14, 15


@dataclass(frozen=True, slots=True)
class Row:
    """An object: a line of a table."""

    table: str
    fields: dict[str, int]

    @property
    def number(self) -> int:
        return self.fields[NUMBERS[self.table]]

    @property
    def key(self) -> str:
        return str(self.fields["key"])

    @property
    def ours(self) -> bool:
        """Owner and creator are our user: a creator keeps its rights, svipc(7)."""
        return {self.fields["uid"], self.fields["cuid"]} == {os.geteuid()}


def rows(table: str) -> list[Row]:
    """Read a table: "msg", "shm" or "sem". Raises: OSError."""
    head, *lines = Path("/proc/sysvipc", table).read_text().splitlines()
    names = head.split()
    return [Row(table, _fields(names, line.split())) for line in lines]


def _fields(names: list[str], texts: list[str]) -> dict[str, int]:
    found = zip(names, texts, strict=True)
    return {name: int(text, 8 if name == "perms" else 10) for name, text in found}


def remove(row: Row) -> None:
    """Remove an object by its number. Raises: FileNotFoundError, OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    failed = {
        "msg": lambda: libc.msgctl(row.number, _REMOVE, None),
        "shm": lambda: libc.shmctl(row.number, _REMOVE, None),
        "sem": lambda: libc.semctl(row.number, 0, _REMOVE),
    }[row.table]()
    if failed:
        raise _error()


def semaphore_users(row: Row) -> tuple[set[int], int]:
    """Return the pids of the last operations on a set, and the number of waiting processes.

    Setting a value counts as an operation: the pid of a new semaphore is its creator's. A
    pid of another PID namespace is 0. Raises: OSError.
    """
    pids, waiting = set(), 0
    for index in range(row.fields["nsems"]):
        pids.add(_semaphore(row.number, index, _GET_PID))
        waiting += _semaphore(row.number, index, _GET_WAITING)
        waiting += _semaphore(row.number, index, _GET_WAITING_FOR_ZERO)
    return pids, waiting


def _semaphore(number: int, index: int, command: int) -> int:
    found: int = ctypes.CDLL(None, use_errno=True).semctl(number, index, command)
    if found < 0:
        raise _error()
    return found


def _error() -> OSError:
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.EIDRM):  # there is no object of this number any more
        number = errno.ENOENT
    return OSError(number, os.strerror(number))
