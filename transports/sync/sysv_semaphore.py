"""System V semaphores, semop(2): counted wake-ups, and guards (P and V)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ipcbench.transports.base import refused
from ipcbench.transports.base.bindings import missing, sysv_ipc
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    PeerGone,
    Sharing,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.kernel_objects import withdraw
from ipcbench.transports.kernel_objects.sysv_keys import (
    check_sysv,
    create_with_key,
    key_of,
)
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.sync.waiter import Fixed


def _more_sets() -> str:
    """What gives another set of semaphores: semget(2), proc_sys_kernel(5)."""
    per_set, semaphores, calls, sets = map(int, Path("/proc/sys/kernel/sem").read_text().split())
    more = f"{per_set} {max(32, 2 * semaphores)} {calls} {max(32, 2 * sets)}"
    return f'remove sets (ipcs -s, ipcrm -s ID), or sysctl -w kernel.sem="{more}"'


class SysvSemaphore:
    """A set of one, semop(2): every P and V is a system call.

    With `undo` the kernel takes back what a process did when it ends (SEM_UNDO).
    """

    fd = None

    def __init__(self, key: int, semaphore: Any, private: bool, undo: bool) -> None:
        semaphore.undo = undo
        self._semaphore = semaphore
        self._private = private
        self._named = True
        self.address = key
        self.notify: Callable[[], None] = semaphore.V
        self.wait: Callable[[], None] = semaphore.P

    def try_wait(self) -> None:
        # The binding's time-out is not compiled into its wheels; IPC_NOWAIT is there.
        self._semaphore.block = False
        try:
            self._semaphore.P()
        except sysv_ipc.BusyError as error:
            raise WouldBlock("it would have to wait") from error
        finally:
            self._semaphore.block = True

    def native(self, policy: WaitPolicy) -> object:
        return operations.sysv_semaphore(self._semaphore.id, self._semaphore.undo, policy)

    def close(self) -> None:
        """A set of semaphores is known by its number: nothing is open."""

    def unlink(self) -> None:
        if self._named:
            self._named = False
            with contextlib.suppress(sysv_ipc.ExistentialError):
                self._semaphore.remove()  # by its number, which nobody is given again soon
            if self._private:
                withdraw("sysv semaphore", str(self.address))


@dataclass(frozen=True)
class SysvSemaphores:
    undo: bool = False
    name = "sysv-sem"
    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL
    pollable = False
    unlink_early = False  # a removed one wakes all who wait, with EIDRM: semop(2)
    many = True
    in_memory = False

    @cached_property
    def errors(self) -> tuple[type[Exception], ...]:
        return (sysv_ipc.Error,)

    def told(self, error: Exception) -> Exception | None:
        if isinstance(error, sysv_ipc.ExistentialError):
            return PeerGone("the semaphore has been removed")
        # The binding has no error of its own for EINTR, only a text.
        return None if "Signaled" in str(error) else error

    def probe(self) -> Unavailable | None:
        if sysv_ipc is None:
            return missing("sysv_ipc")
        try:
            self.create(0, None).unlink()
        except Unavailable as reason:
            return reason
        return None

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> SysvSemaphore:
        if sysv_ipc is None:
            raise missing("sysv_ipc")
        if initial > sysv_ipc.SEMAPHORE_VALUE_MAX:
            raise ValueError(f"a semaphore counts to {sysv_ipc.SEMAPHORE_VALUE_MAX} at most")
        wanted = None if fixed is None else key_of(*fixed)
        try:
            key, semaphore = create_with_key(
                "sysv semaphore",
                wanted,
                lambda key: sysv_ipc.Semaphore(key, sysv_ipc.IPC_CREX, 0o600, initial),
            )
        except FileExistsError:
            raise
        except (OSError, sysv_ipc.PermissionsError) as error:
            raise refused("semget(2)", error, _more_sets()) from error
        return SysvSemaphore(key, semaphore, fixed is None, self.undo)

    def open(
        self, address: Json, fd: int | None, memory: memoryview | None = None
    ) -> SysvSemaphore:
        if sysv_ipc is None:
            raise missing("sysv_ipc")
        try:
            found = sysv_ipc.Semaphore(address)
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the semaphore with key {address} is gone") from error
        check_sysv(found, f"the semaphore with key {address}")
        return SysvSemaphore(address, found, False, self.undo)
