"""System V semaphores, semop(2): counted notifications, and guards (P and V)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ipcbench.transports.base import (
    SYSTEM_CALLS,
    refused,
    set_kernel,
    spinning_call,
    sysctl_text,
)
from ipcbench.transports.base.bindings import require, sysv_ipc
from ipcbench.transports.base.proc import MOST, USUAL, in_use
from ipcbench.transports.base.remedies import either_of
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
from ipcbench.transports.kernel_objects import KernelName
from ipcbench.transports.kernel_objects.sysv_keys import (
    check_sysv,
    create_with_key,
    key_of,
)
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.sync.waiter import Fixed


class SysvSemaphore:
    """A set of one, semop(2): every P and V is a system call.

    With `undo` the kernel reverts the operations of a process when it ends (SEM_UNDO).
    """

    fd = None

    def __init__(self, semaphore: Any, name: KernelName | None, *, undo: bool) -> None:
        semaphore.undo = undo
        self._semaphore = semaphore
        self._name = name  # None: created elsewhere, and removed there
        self.address: int = semaphore.key
        self.notify: Callable[[], None] = semaphore.V
        self.wait: Callable[[], None] = semaphore.P

    @property
    def value(self) -> int:
        """The tokens in it now."""
        return int(self._semaphore.value)

    def try_wait(self) -> None:
        # The binding's time-out is not compiled into its wheels; IPC_NOWAIT is.
        self._semaphore.block = False
        try:
            self._semaphore.P()
        except sysv_ipc.BusyError as error:
            raise WouldBlock("it would have to wait") from error
        finally:
            self._semaphore.block = True

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Return the `wait` of an end that spins by semop(2) with IPC_NOWAIT."""
        semaphore, busy = self._semaphore, sysv_ipc.BusyError
        semaphore.block = False
        take = semaphore.P

        def look() -> bool | None:
            try:
                take()
            except busy:
                return None
            return True

        def block() -> None:
            semaphore.block = True
            try:
                take()
            finally:
                semaphore.block = False

        return spinning_call(look, block, spec)

    def native(self, policy: WaitPolicy) -> object:
        return operations.sysv_semaphore(self._semaphore.id, self._semaphore.undo, policy)

    def close(self) -> None:
        """Do nothing: a set is used by its number, and nothing is open."""

    def unlink(self) -> None:
        if self._name is not None:
            self._name.remove()


def _remove(semaphore: Any) -> None:
    """Remove a set by its number, which is not reused soon. Raises: FileNotFoundError."""
    try:
        semaphore.remove()
    except sysv_ipc.ExistentialError as error:
        raise FileNotFoundError(str(error)) from error


@dataclass(frozen=True)
class SysvSemaphores:
    """System V semaphores, through the binding sysv_ipc; `undo`: with SEM_UNDO."""

    undo: bool = False
    counted: bool = False

    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL
    pollable = False
    nonblocking = True
    native_looks = SYSTEM_CALLS
    unlink_early = False  # removal wakes all waiting processes, with EIDRM: semop(2)
    in_memory = False

    @property
    def name(self) -> str:
        return "sysv-sem-counted" if self.counted else "sysv-sem"

    @cached_property
    def errors(self) -> tuple[type[Exception], ...]:
        return (sysv_ipc.Error,)

    def translate(self, error: Exception) -> Exception | None:
        if isinstance(error, sysv_ipc.ExistentialError):
            return PeerGone("the semaphore was removed")
        # The binding has no error class for EINTR, only a text.
        return None if "Signaled" in str(error) else error

    def is_full(self, error: Exception) -> bool:
        return isinstance(error, ValueError)  # the binding's error for ERANGE: SEMVMX

    def probe(self) -> Unavailable | None:
        try:
            self.create(0, None).unlink()
        except Unavailable as reason:
            return reason
        return None

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> SysvSemaphore:
        require("sysv_ipc")
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
        name = KernelName(
            "sysv semaphore",
            str(key),
            private=fixed is None,
            unlink=partial(_remove, semaphore),
            exists=True,
        )
        return SysvSemaphore(semaphore, name, undo=self.undo)

    def open(
        self, address: Json, fd: int | None, memory: memoryview | None = None
    ) -> SysvSemaphore:
        require("sysv_ipc")
        try:
            semaphore = sysv_ipc.Semaphore(address)
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the semaphore with key {address} was removed") from error
        check_sysv(semaphore, f"the semaphore with key {address}")
        return SysvSemaphore(semaphore, None, undo=self.undo)


def _more_sets() -> str:
    """Return the remedy for too few sets or semaphores: semget(2), proc_sys_kernel(5)."""
    per_set, semaphores, calls, sets = map(int, sysctl_text("kernel.sem").split())
    used = in_use("sem", "nsems")
    semaphores = max(USUAL, 2 * semaphores, 2 * sum(used))
    sets = min(MOST, max(USUAL, 2 * sets, 2 * len(used)))
    return either_of(
        "remove sets (ipcs -s, ipcrm -s ID)",
        set_kernel({"kernel.sem": f"{per_set} {semaphores} {calls} {sets}"}),
    )
