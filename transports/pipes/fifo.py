"""fifo(7): pipes with a name, made by mkfifo(3) or mknod(2); two for a link.

Both ends of a FIFO exist when attaching is done: opening waits for the other
side, as open(2) of a FIFO does, but with a deadline. A writer can find out
whether there is a reader (ENXIO, fifo(7)), a reader cannot: so the writer
sends one byte to each of its readers as a greeting, before any message.
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

from ipcbench.transports.base import PlainChannel, check_spec, close_all, path_in, refused
from ipcbench.transports.contract import (
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
from ipcbench.transports.kernel_objects import check_ours, fresh_folder, open_ours, remove_folder
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
    attach_waits=True,
)

Make: TypeAlias = Callable[[Path], None]

_GREETING = b"\x06"
_PAUSE = 0.0005  # seconds between two attempts to find the other side


def _mkfifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _mknod(path: Path) -> None:
    os.mknod(path, stat.S_IFIFO | 0o600)


def _path(base: str, number: int) -> Path:
    """Return the path of a channel's FIFO: the first has the name itself, the others a number."""
    return Path(f"{base}.{number}" if number else base)


def _open_to_write(path: Path, readers: int, deadline: float) -> int:
    """Wait for a reader, and send as many greetings as there will be readers."""
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
        _check_fifo(fd, path)
        os.write(fd, _GREETING * readers)
    except BrokenPipeError as error:
        os.close(fd)
        raise PeerGone(f"the reader of {path} left at once") from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_to_read(path: Path, writers: int, deadline: float) -> int:
    """Open a FIFO, and wait for the greeting of each writer."""
    try:
        fd = open_ours(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise PeerGone(f"there is no FIFO {path}") from error
    try:
        _check_fifo(fd, path)
        set_capacity(fd, None)
        for _ in range(writers):
            _await_greeting(fd, deadline)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _await_greeting(fd: int, deadline: float) -> None:
    # Not with poll(2): a pipe that has been polled once wakes its readers at every
    # write from then on (fs/pipe.c, poll_usage), which made a fan-out over a FIFO
    # twice as slow.
    while True:
        with suppress(BlockingIOError):
            if os.read(fd, 1):
                return
        _pause(deadline, "a writer")


def _check_fifo(fd: int, path: Path) -> None:
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        raise FileExistsError(f"{path} is no FIFO")


def _pause(deadline: float, awaited: str) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut(f"{awaited} of the FIFO did not come in time")
    time.sleep(min(_PAUSE, left))


class FifoChannel(PlainChannel):
    """The FIFOs of a channel, under a fixed name or in a private folder."""

    def __init__(self, spec: Spec, make: Make) -> None:
        super().__init__(spec)
        self._folder = fresh_folder() if spec.name is None else None
        self._made: list[Path] = []
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

    def _ticket(self, role: Role, index: int) -> Ticket:
        return Ticket(role, index, self._spec, data={"path": self._base})

    def unlink(self) -> None:
        """Remove the names, the first time: they may be another program's afterwards."""
        made, self._made = self._made, []
        for path in made:
            path.unlink(missing_ok=True)
        folder, self._folder = self._folder, None
        if folder is not None:
            remove_folder(folder)


def _unavailable(error: OSError) -> Unavailable:
    return refused("mkfifo(3)", error)


@dataclass(frozen=True, slots=True)
class Fifo:
    """The transports `fifo` and `fifo:mknod`, which differ in `make`."""

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
        numbers = range(pipes_of(spec))
        if role is Role.CLIENT:
            numbers = range(2 * ticket.index, 2 * ticket.index + 2)
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
    """Tell whether a seat reads from a FIFO.

    Even ones go from clients to the server, odd ones back; a one-way channel has one.
    """
    if role is Role.CLIENT:
        return number % 2 == 1
    if role is Role.SERVER:
        return number % 2 == 0
    return role is Role.RECEIVER


def fifo() -> Fifo:
    """Make the transport whose FIFOs are made by mkfifo(3)."""
    return Fifo("fifo", _mkfifo)


def fifo_by(parameters: str) -> Fifo:
    """Make the transport whose FIFOs are made in another way.

    Args:
        parameters: `mknod`: by mknod(2).

    Raises:
        ValueError: any other way.
    """
    if parameters != "mknod":
        raise ValueError(f"no FIFO {parameters!r}: there are fifo and fifo:mknod")
    return Fifo("fifo:mknod", _mknod)
