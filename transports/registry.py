"""Which transports there are: the built-in ones, loaded when asked for, and plug-ins.

To add one of ours, write its file and a line in `_BUILT_IN`. Others declare
an entry point in the group `ipcbench.transports` whose object is a transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from ipcbench.transports.contract import Transport, TransportError, Unavailable

GROUP = "ipcbench.transports"

# name -> (module, what makes it: a callable without arguments)
_BUILT_IN: dict[str, tuple[str, str]] = {
    "pipe": ("ipcbench.transports.pipes.pipe", "Pipe"),
    "fifo": ("ipcbench.transports.pipes.fifo", "fifo"),
    "unix-stream": ("ipcbench.transports.sockets.unix", "unix_stream"),
    "unix-seqpacket": ("ipcbench.transports.sockets.unix", "unix_seqpacket"),
    "unix-dgram": ("ipcbench.transports.sockets.unix_datagram", "UnixDatagram"),
    "socketpair": ("ipcbench.transports.sockets.socketpair", "SocketPair"),
    "tcp": ("ipcbench.transports.sockets.tcp", "tcp"),
    "tcp6": ("ipcbench.transports.sockets.tcp", "tcp6"),
    "sysv-queue": ("ipcbench.transports.queues.sysv", "SysvQueue"),
    "sysv-queue:types": ("ipcbench.transports.queues.sysv", "types"),
    "posix-queue": ("ipcbench.transports.queues.posix", "PosixQueue"),
    "mp-pipe": ("ipcbench.transports.multiprocess.pipe", "mp_pipe"),
    "mp-pipe-pickle": ("ipcbench.transports.multiprocess.pipe", "mp_pipe_pickle"),
    "mp-simple-queue": ("ipcbench.transports.multiprocess.queue", "mp_simple_queue"),
    "mp-queue": ("ipcbench.transports.multiprocess.queue", "mp_queue"),
    "posix-sem": ("ipcbench.transports.sync.transport", "posix_semaphores"),
    "sysv-sem": ("ipcbench.transports.sync.transport", "sysv_semaphores"),
    "eventfd": ("ipcbench.transports.sync.transport", "eventfds"),
    "futex": ("ipcbench.transports.sync.transport", "futexes"),
    "signal": ("ipcbench.transports.sync.signals", "Signals"),
    "mp-lock": ("ipcbench.transports.sync.locks", "MpLock"),
    "flock": ("ipcbench.transports.sync.locks", "flock"),
    "lockf": ("ipcbench.transports.sync.locks", "lockf"),
    "unguarded": ("ipcbench.transports.sync.locks", "Unguarded"),
    "null": ("ipcbench.transports.null", "Null"),
}

# A name before a colon -> (module, what makes it from the text behind the colon)
_FAMILIES: dict[str, tuple[str, str]] = {
    "pipe": ("ipcbench.transports.pipes.pipe", "pipe"),
    "fifo": ("ipcbench.transports.pipes.fifo", "fifo_by"),
    "shm": ("ipcbench.transports.shm.transport", "shm"),
}

_MEMBERS = (
    "pipe:1M",
    "fifo:mknod",
    # A cross: every segment, every waiter, huge pages, and reading in place. Any other pair
    # goes by its name.
    "shm:posix+posix-sem",
    "shm:sysv+posix-sem",
    "shm:file+posix-sem",
    "shm:tmpfs+posix-sem",
    "shm:memfd+posix-sem",
    "shm:mp+posix-sem",
    "shm:posix+sysv-sem",
    "shm:posix+eventfd",
    "shm:posix+futex",
    "shm:posix+spin",
    "shm:posix+spin-block",
    "shm:memfd+posix-sem/huge",
    "shm:posix+posix-sem/in-place",
    "shm:posix+spin/in-place",
)


# A family whose members are pairs -> (module, what lists all of them)
_PRODUCTS: dict[str, tuple[str, str]] = {
    "shm": ("ipcbench.transports.shm.transport", "product"),
}


class UnknownTransport(TransportError):
    """No transport has this name."""


class DuplicateName(TransportError):
    """Two transports claim the same name."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that does not load, and why."""

    name: str
    reason: Unavailable


@cache
def _plugins() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        family = entry.name.partition(":")[0]
        if entry.name in found or entry.name in _BUILT_IN or family in _FAMILIES:
            raise DuplicateName(
                f"two transports are called {entry.name!r}: uninstall one, or rename it "
                f"({entry.value})"
            )
        found[entry.name] = entry
    return found


def names() -> list[str]:
    """All names, ours first, the null transport last, plug-ins after it.

    Raises: DuplicateName.
    """
    ours = [name for name in _BUILT_IN if name != "null"]
    return [*ours, *_MEMBERS, "null", *sorted(_plugins())]


@cache
def get(name: str) -> Transport | Broken:
    """The transport of that name; a broken plug-in is told as such.

    Raises: UnknownTransport, DuplicateName.
    """
    if name in _BUILT_IN:
        return _make(*_BUILT_IN[name])()
    head, colon, parameters = name.partition(":")
    if colon and head in _FAMILIES:
        try:
            return _make(*_FAMILIES[head])(parameters)
        except ValueError as error:
            raise UnknownTransport(str(error)) from error
    entry = _plugins().get(name)
    if entry is None:
        raise UnknownTransport(f"no transport is called {name!r}: `ipcbench list` shows all")
    try:
        found: object = entry.load()
        plugin = found() if isinstance(found, type) else found
        if not isinstance(plugin, Transport) or plugin.name != name:
            raise TypeError(f"{entry.value} is no transport called {name!r}")
    except Exception as error:  # a plug-in's import may fail in any way at all
        return Broken(name, Unavailable(f"its plug-in does not load: {error!r}", entry.value))
    return plugin


def _make(module: str, attribute: str) -> Callable[..., Transport]:
    maker: Callable[..., Transport] = getattr(import_module(module), attribute)
    return maker


def matching(pattern: str) -> Iterator[str]:
    """Names that a pattern of the command line means: `shm:*`, or a name outright.

    A pattern with a plus, `shm:sysv+*`, means pairs that the list leaves out as well.
    Raises: UnknownTransport where it means none.
    """
    known = names()
    family = pattern.partition(":")[0]
    if "+" in pattern and family in _PRODUCTS:
        module, attribute = _PRODUCTS[family]
        known += [name for name in getattr(import_module(module), attribute)() if name not in known]
    found = [name for name in known if fnmatchcase(name, pattern)]
    if not found:
        get(pattern)  # may still be a member that the list leaves out
        found = [pattern]
    yield from found
