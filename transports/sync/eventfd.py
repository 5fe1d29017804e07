"""Eventfds, eventfd(2): a counter behind a descriptor, and the one waiter that poll(2) knows."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ipcbench.transports.base import SYSTEM_CALLS, keeps_looking, pass_time_at, refused
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Sharing,
    Spec,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.sync.waiter import Fixed


class EventFd:
    """An eventfd with EFD_SEMAPHORE: each read takes one."""

    address = None

    def __init__(self, fd: int) -> None:
        self.fd: int = fd
        self._open = True
        self._poller = select.poll()
        self._poller.register(fd, select.POLLIN)
        self.notify: Callable[[], object] = partial(os.eventfd_write, fd, 1)
        self.wait: Callable[[], object] = partial(os.eventfd_read, fd)

    def try_wait(self) -> None:
        # O_NONBLOCK would hold for all processes that share the counter.
        if not self._poller.poll(0):
            raise WouldBlock("it would have to wait")
        self.wait()

    def poll_wait(self) -> None:
        """Wait with poll(2), then take one."""
        self._poller.poll()
        self.wait()

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Make the descriptor non-blocking, and return the `wait` of an end that spins.

        O_NONBLOCK holds for all processes that share the counter: they all spin.
        FileIO.readinto returns None where there is nothing, and so spares Python an exception.
        """
        os.set_blocking(self.fd, False)
        readinto, token = io.FileIO(self.fd, closefd=False).readinto, bytearray(8)
        pass_some = pass_time_at(spec, self.fd, select.POLLIN)

        def wait() -> None:
            while readinto(token) is None:
                pass

        def wait_passing_time() -> None:
            looked = 0
            while readinto(token) is None:
                looked = pass_some(looked)

        return wait if keeps_looking(spec) else wait_passing_time

    def native(self, policy: WaitPolicy) -> object:
        return operations.eventfd(self.fd, policy)

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.fd)

    def unlink(self) -> None:
        """Do nothing: there is no name."""


@dataclass(frozen=True)
class EventFds:
    """Counters of eventfd(2)."""

    counted: bool = False

    waiting = Wait.BLOCK
    sharing = Sharing.DESCRIPTORS
    lifetime = Lifetime.PROCESS
    pollable = True
    nonblocking = True
    native_looks = SYSTEM_CALLS
    unlink_early = True
    in_memory = False

    @property
    def name(self) -> str:
        return "eventfd-counted" if self.counted else "eventfd"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (InterruptedError,)

    def translate(self, error: Exception) -> Exception | None:
        return None  # os.eventfd_read does not continue to wait after a signal's handler

    def is_full(self, error: Exception) -> bool:
        return False  # with 2^64 - 2 in it, write(2) waits until one is taken: eventfd(2)

    def probe(self) -> Unavailable | None:
        try:
            self.create(0, None).close()
        except Unavailable as reason:
            return reason
        return None

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> EventFd:
        try:
            return EventFd(os.eventfd(initial, os.EFD_SEMAPHORE | os.EFD_CLOEXEC))
        except OSError as error:
            raise refused("eventfd(2)", error) from error

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> EventFd:
        assert fd is not None
        return EventFd(fd)
