"""Semaphores, System V's and POSIX's: counted wake-ups, and guards (P and V)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ipcbench.transports.base import refused_in_shm
from ipcbench.transports.base.bindings import missing, posix_ipc
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    PeerGone,
    Sharing,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.kernel_objects import announce, check_ours, fresh_name, withdraw
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.sync.waiter import Fixed


class PosixSemaphore:
    """sem_open(3): no system call while nobody has to wait (sem_overview(7))."""

    fd = None

    def __init__(self, semaphore: Any, private: bool) -> None:
        self._semaphore = semaphore
        self._private = private
        self._named = True
        self.address: str = semaphore.name
        # The bound C methods themselves: no frame of ours in the timed loop.
        self.notify: Callable[[], None] = semaphore.release
        self.wait: Callable[[], None] = semaphore.acquire

    def try_wait(self) -> None:
        try:
            self._semaphore.acquire(0)
        except posix_ipc.BusyError as error:
            raise WouldBlock("it would have to wait") from error

    def native(self, policy: WaitPolicy) -> object:
        return operations.posix_semaphore(self.address, policy)

    def close(self) -> None:
        with contextlib.suppress(posix_ipc.ExistentialError):  # closed already
            self._semaphore.close()

    def unlink(self) -> None:
        if self._named:  # once only: the name may be somebody else's by then
            self._named = False
            with contextlib.suppress(posix_ipc.ExistentialError):
                posix_ipc.unlink_semaphore(self.address)
            if self._private:
                withdraw("posix semaphore", self.address)


@dataclass(frozen=True)
class PosixSemaphores:
    name = "posix-sem"
    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL
    pollable = False
    unlink_early = True
    many = True
    in_memory = False

    @cached_property
    def errors(self) -> tuple[type[Exception], ...]:
        return (posix_ipc.SignalError,)

    def told(self, error: Exception) -> Exception | None:
        return None  # the binding does not go on waiting after a handler has run

    def probe(self) -> Unavailable | None:
        if posix_ipc is None:
            return missing("posix_ipc")
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
        if posix_ipc is None:
            raise missing("posix_ipc")
        if initial > posix_ipc.SEMAPHORE_VALUE_MAX:
            raise ValueError(f"a semaphore counts to {posix_ipc.SEMAPHORE_VALUE_MAX} at most")
        address = "/" + fresh_name() if fixed is None else _posix_name(fixed)
        if fixed is None:
            announce("posix semaphore", address)
        try:
            semaphore = posix_ipc.Semaphore(address, posix_ipc.O_CREX, 0o600, initial)
        except posix_ipc.ExistentialError as error:
            if fixed is not None and Path("/dev/shm").is_dir():
                raise FileExistsError(f"{address} is taken") from error
            # The binding calls it so as well where there is no folder for it.
            withdraw("posix semaphore", address)
            raise refused_in_shm("sem_open(3)", error) from error
        except (OSError, posix_ipc.PermissionsError) as error:
            if fixed is None:
                withdraw("posix semaphore", address)
            raise refused_in_shm("sem_open(3)", error) from error
        return PosixSemaphore(semaphore, private=fixed is None)

    def open(
        self, address: Json, fd: int | None, memory: memoryview | None = None
    ) -> PosixSemaphore:
        if posix_ipc is None:
            raise missing("posix_ipc")
        try:
            # sem_open(3) gives no descriptor to ask. What is ours nobody else can replace
            # in a folder with the sticky bit, so what is looked at is what is opened.
            check_ours(os.lstat(_file(address)).st_uid, f"the semaphore {address}")
            return PosixSemaphore(posix_ipc.Semaphore(address), private=False)
        except (FileNotFoundError, posix_ipc.ExistentialError) as error:
            raise PeerGone(f"the semaphore {address} is gone") from error


def _file(address: str) -> str:
    """Where the C library keeps it: sem_overview(7)."""
    return f"/dev/shm/sem.{address.removeprefix('/')}"


def _posix_name(fixed: Fixed) -> str:
    """One slash, at the start: sem_overview(7). What names the memory may be a path."""
    return f"/{fixed.name.strip('/').replace('/', '-')}-{fixed.number}"
