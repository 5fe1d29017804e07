"""Tests of the leak check: it finds each kind of thing that may be left behind."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.kernel_objects import fresh_folder, fresh_key, fresh_name, remove_folder
from ipcbench.transports.kernel_objects.ledger import Ledger, current
from ipcbench.transports.testing import leaks
from ipcbench.transports.testing.actors import Actor


def posix_memory(stack: ExitStack) -> None:
    memory = posix_ipc.SharedMemory("/" + fresh_name(), posix_ipc.O_CREX, size=1)
    stack.callback(memory.unlink)
    os.close(memory.fd)


def posix_semaphore(stack: ExitStack) -> None:
    semaphore = posix_ipc.Semaphore("/" + fresh_name(), posix_ipc.O_CREX)
    stack.callback(semaphore.close)
    stack.callback(semaphore.unlink)


def sysv_queue(stack: ExitStack) -> None:
    stack.callback(sysv_ipc.MessageQueue(fresh_key(), sysv_ipc.IPC_CREX).remove)


def sysv_semaphore(stack: ExitStack) -> None:
    stack.callback(sysv_ipc.Semaphore(fresh_key(), sysv_ipc.IPC_CREX).remove)


def sysv_memory(stack: ExitStack) -> None:
    memory = sysv_ipc.SharedMemory(fresh_key(), sysv_ipc.IPC_CREX, size=1)
    memory.detach()
    stack.callback(memory.remove)


def folder(stack: ExitStack) -> None:
    stack.callback(remove_folder, fresh_folder())


def ledger(stack: ExitStack) -> None:
    stack.callback(Ledger.open_new(os.getpid()).discard)


def descriptor(stack: ExitStack) -> None:
    stack.enter_context(socket.socket())


def mapping(stack: ExitStack) -> None:
    stack.enter_context(mmap.mmap(-1, 1))


def child(stack: ExitStack) -> None:
    stack.enter_context(Actor(lambda: None))


MAKERS: list[Callable[[ExitStack], None]] = [
    posix_memory,
    posix_semaphore,
    sysv_queue,
    sysv_semaphore,
    sysv_memory,
    folder,
    ledger,
    descriptor,
    mapping,
    child,
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_leak_is_found(
    make: Callable[[ExitStack], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    current()
    before = leaks.snapshot()
    with ExitStack() as stack:
        make(stack)
        monkeypatch.setattr(leaks, "SETTLING", 0.0)
        assert leaks.left_since(before)
    monkeypatch.undo()
    assert leaks.left_since(before) == []


def test_a_queue_in_a_ledger_is_skipped_without_the_binding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that had the binding may have written the ledger."""
    ledger = Ledger.open_new(os.getpid())
    ledger.write({"kind": "posix queue", "name": "/" + fresh_name()})
    monkeypatch.setattr(leaks, "posix_ipc", None)
    assert isinstance(leaks.snapshot(), set)
    ledger.discard()
