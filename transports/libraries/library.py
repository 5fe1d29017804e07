"""Messaging libraries: optional, and threaded, so that a process tries one in a child.

A library's own thread carries the messages. So a call that may not wait is repeated for a
short time before it says that it would have to: a message may be on its way.
"""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar

from ipcbench.transports.base import close_all, refused
from ipcbench.transports.base.forking import fork_child
from ipcbench.transports.base.os_errors import MORE_PROCESSES
from ipcbench.transports.base.remedies import pip_install
from ipcbench.transports.contract import Channel, Endpoint, Role, Transport, Unavailable, WouldBlock

INSTALL = pip_install("[libraries]")
UPGRADE = pip_install("[libraries]", upgrade=True)

LINGER = 1.0  # seconds in which the library's thread may write what is left when an end closes
ON_ITS_WAY = 0.25  # seconds that the threads of both sides may take for a message
TRIAL = 10.0  # seconds in which a trial must end
_STEP = 0.001

Result = TypeVar("Result")


def load(module: str, package: str) -> Any:
    """Import a library.

    Args:
        module: its module.
        package: the package's name, as of pip.

    Raises:
        Unavailable: it is not installed, or does not load.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise Unavailable(f"the package {package} is not installed", INSTALL) from error
        raise Unavailable(f"the package {package} does not load: {error}", UPGRADE) from error
    except Exception as error:  # an extension may fail to load in any way
        raise Unavailable(f"the package {package} does not load: {error}", UPGRADE) from error


def repeated(call: Callable[..., Result]) -> Callable[..., Result]:
    """Make a call that is repeated while it raises WouldBlock and a message may be on its way.

    Args:
        call: it does not wait.
    """

    def at_once(*arguments: Any) -> Result:
        deadline = time.monotonic() + ON_ITS_WAY
        while True:
            try:
                return call(*arguments)
            except WouldBlock:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_STEP)

    return at_once


def trial(package: str, body: Callable[[], None]) -> Unavailable | None:
    """Call a function in a child, since no process with a library's threads may fork.

    Args:
        package: the package that it uses, as of pip.
        body: the function, which fails by an exception.

    Returns:
        The reason why it failed, or None.
    """
    try:
        os.close(os.eventfd(0, os.EFD_CLOEXEC))  # without it, the libraries abort or say less
    except OSError as error:
        return refused("eventfd(2)", error)
    opened: list[int] = []
    try:
        opened.append(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
        opened.extend(os.pipe())
    except OSError as error:
        close_all(opened)
        return refused("open(2) of /dev/null or pipe(2)", error)
    silent, reader, writer = opened

    def child() -> int:
        os.dup2(silent, 2)  # libraries report failed checks there
        try:
            body()
        except Exception as error:
            os.write(writer, f"{type(error).__name__}: {error}"[:1000].encode())
        else:
            os.write(writer, b"ok")
        return 0

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, from 3.12 on
            pid = fork_child(child)
    except OSError as error:
        os.close(reader)
        return refused("fork(2)", error, MORE_PROCESSES)
    finally:
        close_all((silent, writer))
    try:
        if not select.select([reader], [], [], TRIAL)[0]:
            os.kill(pid, signal.SIGKILL)
        said = " ".join(os.read(reader, 4096).decode(errors="replace").split())
    finally:
        os.close(reader)
        os.waitpid(pid, 0)
    if said == "ok":
        return None
    return Unavailable(f"the package {package} fails: {said or 'its trial was killed'}", UPGRADE)


def carry_one(transport: Transport, channel: Channel) -> None:
    """Carry one message between two ends in this process. Raises: whatever the ends raise."""
    deadline = time.monotonic() + TRIAL / 2

    def attached(role: Role) -> Endpoint:
        return transport.attach(channel.ticket(role, 0), deadline)

    with ThreadPoolExecutor(1) as pool:  # each end waits for the other one
        serving = pool.submit(attached, Role.SERVER)
        client = attached(Role.CLIENT)
        server = serving.result()
    server.send(server.prepare(memoryview(b"1")))
    if client.recv_into(memoryview(bytearray(1))) != 1:
        raise RuntimeError("a message arrived with another length")
    client.close()
    server.close()
