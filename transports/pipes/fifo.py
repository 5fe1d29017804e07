"""fifo(7): pipes with a name, made by mkfifo(3) or mknod(2); two for a link.

Both ends of one are there when attaching is done: opening waits for the other
side, as open(2) of a FIFO does, but with a deadline. A writer can ask whether
there is a reader (ENXIO, fifo(7)); a reader can ask nothing, so the writer
greets each of its readers with one byte, before anything is sent.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from ipcbench.transports.base.defaults import check_seat, check_spec, path_in
from ipcbench.transports.base.descriptors import close_all
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Lifetime,
    Limits,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Unavailable,
)
from ipcbench.transports.kernel_objects.kernel_name import fresh_folder, remove_folder
from ipcbench.transports.kernel_objects.ownership import check_ours, open_ours
from ipcbench.transports.pipes.pipe import TRAITS as PIPE_TRAITS
from ipcbench.transports.pipes.pipe import (
    PipeEndpoint,
    limits,
    pipes_of,
    set_capacity,
    shared_limit,
)

TRAITS = replace(
    PIPE_TRAITS,
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    unlink_early=True,
)

Make: TypeAlias = Callable[[Path], None]

_GREETING = b"\x06"
_PAUSE = 0.0005  # seconds between two looks whether the other side has come


def _mkfifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _mknod(path: Path) -> None:
    os.mknod(path, stat.S_IFIFO | 0o600)


def _path(base: str, number: int) -> Path:
    """The first FIFO has the name itself, the others a number behind it."""
    return Path(f"{base}.{number}" if number else base)


def _open_to_write(path: Path, readers: int, deadline: float) -> int:
    """Wait for a reader, and greet as many as there will be."""
    while True:
        try:
            fd = open_ours(path, os.O_WRONLY)
            break
        except FileNotFoundError as error:
            raise PeerGone(f"there is no FIFO {path}") from error
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            with suppress(FileNotFoundError):
                check_ours(path.lstat().st_uid, path)  # another user's may never have a reader
        _pause(deadline, "a reader")
    try:
        _is_fifo(fd, path)
        os.write(fd, _GREETING * readers)
    except BrokenPipeError as error:
        os.close(fd)
        raise PeerGone(f"the reader of {path} left at once") from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_to_read(path: Path, writers: int, deadline: float) -> int:
    """Wait for as many writers' greetings."""
    try:
        fd = open_ours(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise PeerGone(f"there is no FIFO {path}") from error
    try:
        _is_fifo(fd, path)
        set_capacity(fd, None)
        for _ in range(writers):
            _await_greeting(fd, deadline)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _await_greeting(fd: int, deadline: float) -> None:
    # Looked for, and not waited for with poll(2): a pipe that has been polled once
    # wakes its readers at every write from then on (fs/pipe.c, poll_usage), which
    # made a fan-out over a FIFO twice as slow.
    while True:
        with suppress(BlockingIOError):
            if os.read(fd, 1):
                return
        _pause(deadline, "a writer")


def _is_fifo(fd: int, path: Path) -> None:
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        raise FileExistsError(f"{path} is no FIFO")


def _left(deadline: float, who: str) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"{who} of the FIFO did not come in time")
    return left


def _pause(deadline: float, who: str) -> None:
    time.sleep(min(_PAUSE, _left(deadline, who)))


class FifoChannel:
    def __init__(self, spec: Spec, make: Make) -> None:
        self._spec = spec
        self._closed = False
        self._folder: Path | None = None
        self._made: list[Path] = []
        if spec.name is None:
            self._folder = fresh_folder()
        self._base = str(self._folder / "fifo") if self._folder else str(spec.name)
        try:
            for number in range(pipes_of(spec)):
                path = _path(self._base, number)
                make(path)
                self._made.append(path)
        except BaseException as error:
            self.unlink()
            if isinstance(error, OSError) and not isinstance(error, FileExistsError):
                raise _unavailable(error) from error
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        return Ticket(role, index, self._spec, data={"path": self._base})

    def close(self) -> None:
        self._closed = True

    def unlink(self) -> None:
        made, self._made = self._made, []  # once only: the names may be others' by then
        for path in made:
            path.unlink(missing_ok=True)
        if self._folder is not None:
            remove_folder(self._folder)
            self._folder = None


def _unavailable(error: OSError) -> Unavailable:
    return refused("mkfifo(3)", error)


@dataclass(frozen=True, slots=True)
class Fifo:
    name: str
    make: Make
    traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        folder = fresh_folder()
        fd = -1
        try:
            self.make(folder / "fifo")
            fd = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            set_capacity(fd, None)
            return limits(fd)
        except OSError as error:
            return _unavailable(error)
        except Unavailable as reason:
            return reason
        finally:
            if fd >= 0:
                os.close(fd)
            remove_folder(folder)

    def create(self, spec: Spec) -> FifoChannel:
        check_spec(self, spec, shared_limit(spec))
        return FifoChannel(spec, self.make)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        """Open this seat's FIFOs in the order of their numbers, which is the same for all.

        Two processes that each open the one they send through first wait for ever.
        """
        spec, role = ticket.spec, ticket.role
        base = path_in(ticket)
        clients = spec.parties - 1
        numbers: range
        if role is Role.CLIENT:
            numbers = range(2 * ticket.index, 2 * ticket.index + 2)
        else:
            numbers = range(pipes_of(spec))
        reading: list[int] = []
        writing: list[int] = []
        try:
            for number in numbers:
                if _reads(role, number):
                    writers = clients if spec.topology is Topology.FAN_IN else 1
                    reading.append(_open_to_read(_path(base, number), writers, deadline))
                else:
                    readers = clients if spec.topology is Topology.FAN_OUT else 1
                    writing.append(_open_to_write(_path(base, number), readers, deadline))
        except BaseException:
            close_all((*reading, *writing))
            raise
        return PipeEndpoint(reading, writing, ticket)


def _reads(role: Role, number: int) -> bool:
    """Even ones go from clients to the server, odd ones back; a one-way channel has one."""
    if role is Role.CLIENT:
        return number % 2 == 1
    if role is Role.SERVER:
        return number % 2 == 0
    return role is Role.RECEIVER


def fifo() -> Fifo:
    """Made by mkfifo(3)."""
    return Fifo("fifo", _mkfifo)


def fifo_by(parameters: str) -> Fifo:
    """`mknod` -> made by mknod(2). Raises: ValueError for any other way."""
    if parameters != "mknod":
        raise ValueError(f"no FIFO {parameters!r}: there are fifo and fifo:mknod")
    return Fifo("fifo:mknod", _mknod)
