"""POSIX semaphores, sem_overview(7): counted notifications, and guards (P and V)."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ipcbench.transports.base import refused_in_shm, spinning_call
from ipcbench.transports.base.bindings import posix_ipc, require
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    PeerGone,
    Sharing,
    Spec,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.kernel_objects import KernelName, check_ours, fresh_name
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.sync.waiter import NATIVE_SPINS, Fixed


class PosixSemaphore:
    """sem_open(3): no system call unless a process has to wait (sem_overview(7))."""

    fd = None

    def __init__(self, semaphore: Any, name: KernelName | None) -> None:
        self._semaphore = semaphore
        self._name = name  # None: created elsewhere, and removed there
        self.address: str = semaphore.name
        # The C methods themselves: no Python frame in the timed loop.
        self.notify: Callable[[], None] = semaphore.release
        self.wait: Callable[[], None] = semaphore.acquire

    @property
    def value(self) -> int:
        """The tokens in it now."""
        return int(self._semaphore.value)

    def try_wait(self) -> None:
        try:
            self._semaphore.acquire(0)
        except posix_ipc.BusyError as error:
            raise WouldBlock("it would have to wait") from error

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Return the `wait` of an end that spins by sem_trywait(3).

        An exception that it raises in vain takes less time than a look at its value first would
        add to each wait.
        """
        acquire, busy = self._semaphore.acquire, posix_ipc.BusyError

        def look() -> bool | None:
            try:
                acquire(0)
            except busy:
                return None
            return True

        return spinning_call(look, self.wait, spec)

    def native(self, policy: WaitPolicy) -> object:
        return operations.posix_semaphore(self.address, policy)

    def close(self) -> None:
        with contextlib.suppress(posix_ipc.ExistentialError):  # closed already
            self._semaphore.close()

    def unlink(self) -> None:
        if self._name is not None:
            self._name.remove()


@dataclass(frozen=True)
class PosixSemaphores:
    """POSIX semaphores with names, through the binding posix_ipc."""

    name = "posix-sem"
    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL
    pollable = False
    nonblocking = True
    native_looks = NATIVE_SPINS  # sem_trywait(3) looks at a word, without a system call
    unlink_early = True
    counted = False
    in_memory = False

    @cached_property
    def errors(self) -> tuple[type[Exception], ...]:
        return (posix_ipc.SignalError,)

    def translate(self, error: Exception) -> Exception | None:
        return None  # the binding does not continue to wait after a signal's handler

    def is_full(self, error: Exception) -> bool:
        return isinstance(error, OSError) and error.errno == errno.EOVERFLOW

    def probe(self) -> Unavailable | None:
        try:
            semaphore = self.create(0, None)
        except Unavailable as reason:
            return reason
        semaphore.close()
        semaphore.unlink()
        return None

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> PosixSemaphore:
        require("posix_ipc")
        if initial > posix_ipc.SEMAPHORE_VALUE_MAX:
            raise ValueError(f"a semaphore counts to {posix_ipc.SEMAPHORE_VALUE_MAX} at most")
        address = "/" + fresh_name() if fixed is None else _name_of(fixed)
        name = KernelName("posix semaphore", address, private=fixed is None)
        try:
            with name.creating():
                semaphore = posix_ipc.Semaphore(address, posix_ipc.O_CREX, 0o600, initial)
        except posix_ipc.ExistentialError as error:
            # The binding raises the same error where /dev/shm does not exist.
            if fixed is not None and Path("/dev/shm").is_dir():
                raise FileExistsError(f"{address} is taken") from error
            raise refused_in_shm("sem_open(3)", error) from error
        except (OSError, posix_ipc.PermissionsError) as error:
            raise refused_in_shm("sem_open(3)", error) from error
        return PosixSemaphore(semaphore, name)

    def open(
        self, address: Json, fd: int | None, memory: memoryview | None = None
    ) -> PosixSemaphore:
        require("posix_ipc")
        try:
            # sem_open(3) returns no descriptor to check. In a folder with the sticky bit no
            # other user can replace a file of this user: the file checked is the file opened.
            check_ours(os.lstat(_file(address)).st_uid, f"the semaphore {address}")
            return PosixSemaphore(posix_ipc.Semaphore(address), None)
        except (FileNotFoundError, posix_ipc.ExistentialError) as error:
            raise PeerGone(f"the semaphore {address} was removed") from error


def _file(address: str) -> str:
    """Return the file of a semaphore: sem_overview(7)."""
    return f"/dev/shm/sem.{address.removeprefix('/')}"


def _name_of(fixed: Fixed) -> str:
    """Return a name with one slash, at the start (sem_overview(7)), also of a path."""
    return f"/{fixed.name.strip('/').replace('/', '-')}-{fixed.number}"
