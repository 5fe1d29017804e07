"""Registry of transports: the built-in ones, which are loaded on demand, and plug-ins.

To add a built-in transport, write its file and a line in `_BUILT_IN`. A plug-in
declares an entry point in the group `ipcbench.transports`; its object is a transport. Those of
`ipcbench.transports.libraries` are declared so too, in `pyproject.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from ipcbench.transports.contract import Transport, TransportError, Unavailable, Wait

GROUP = "ipcbench.transports"

# name -> (module, callable without arguments that makes the transport)
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
    "memfd-passed": ("ipcbench.transports.passing.memfd_passed", "memfd_passed"),
    "memfd-passed/in-place": ("ipcbench.transports.passing.memfd_passed", "in_place"),
    "memfd-pool": ("ipcbench.transports.passing.memfd_pool", "memfd_pool"),
    "memfd-pool/in-place": ("ipcbench.transports.passing.memfd_pool", "in_place"),
    "process-vm": ("ipcbench.transports.passing.process_vm", "ProcessVm"),
    "vmsplice": ("ipcbench.transports.passing.vmsplice", "Vmsplice"),
    "mp-pipe": ("ipcbench.transports.multiprocess.pipe", "mp_pipe"),
    "mp-pipe-pickle": ("ipcbench.transports.multiprocess.pipe", "mp_pipe_pickle"),
    "mp-pipe-pickle5": ("ipcbench.transports.multiprocess.out_of_band", "OutOfBand"),
    "mp-simple-queue": ("ipcbench.transports.multiprocess.queue", "mp_simple_queue"),
    "mp-queue": ("ipcbench.transports.multiprocess.queue", "mp_queue"),
    "latest:seqlock": ("ipcbench.transports.latest.transport", "seqlock"),
    "latest:buffers": ("ipcbench.transports.latest.transport", "several_buffers"),
    "latest:pipe": ("ipcbench.transports.latest.pipe", "NewestPipe"),
    "latest:unix-stream": ("ipcbench.transports.latest.sockets", "unix_stream"),
    "latest:unix-dgram": ("ipcbench.transports.latest.sockets", "unix_dgram"),
    "latest:queue": ("ipcbench.transports.latest.queue", "NewestQueue"),
    "posix-sem": ("ipcbench.transports.sync.transport", "posix_semaphores"),
    "sysv-sem": ("ipcbench.transports.sync.transport", "sysv_semaphores"),
    "eventfd": ("ipcbench.transports.sync.transport", "eventfds"),
    "futex": ("ipcbench.transports.sync.transport", "futexes"),
    "pthread-cond": ("ipcbench.transports.sync.transport", "pthread_conds"),
    "signal": ("ipcbench.transports.sync.signals", "Signals"),
    "mp-lock": ("ipcbench.transports.sync.locks", "MpLock"),
    "pthread-mutex": ("ipcbench.transports.sync.mutexes", "pthread_mutex"),
    "robust-mutex": ("ipcbench.transports.sync.mutexes", "robust_mutex"),
    "futex-mutex": ("ipcbench.transports.sync.mutexes", "futex_mutex"),
    "spin-lock": ("ipcbench.transports.sync.mutexes", "spin_lock"),
    "flock": ("ipcbench.transports.sync.locks", "flock"),
    "lockf": ("ipcbench.transports.sync.locks", "lockf"),
    "unguarded": ("ipcbench.transports.sync.locks", "Unguarded"),
    "file-read": ("ipcbench.transports.files.access", "file_read"),
    "file-pread": ("ipcbench.transports.files.access", "file_pread"),
    "file-map": ("ipcbench.transports.files.access", "file_map"),
    "file-map:anew": ("ipcbench.transports.files.access", "file_map_anew"),
    "null": ("ipcbench.transports.null", "Null"),
}

# name before a colon -> (module, callable that makes the transport of the text behind it)
_FAMILIES: dict[str, tuple[str, str]] = {
    "pipe": ("ipcbench.transports.pipes.pipe", "pipe"),
    "fifo": ("ipcbench.transports.pipes.fifo", "fifo_by"),
    "unix-stream": ("ipcbench.transports.sockets.unix", "unix_stream_of"),
    "socketpair": ("ipcbench.transports.sockets.socketpair", "pair_of"),
    "tcp": ("ipcbench.transports.sockets.tcp", "tcp_of"),
    "tcp6": ("ipcbench.transports.sockets.tcp", "tcp6_of"),
    "shm": ("ipcbench.transports.shm.transport", "shm"),
}

_MEMBERS = (
    "pipe:1M",
    "fifo:mknod",
    "unix-stream:1M",
    "socketpair:dgram",
    "socketpair:seqpacket",
    "tcp:1M",
    # Every segment and every waiter once, huge pages, and reading in place. Any other pair
    # is found by its name.
    "shm:posix+posix-sem",
    "shm:sysv+posix-sem",
    "shm:file+posix-sem",
    "shm:tmpfs+posix-sem",
    "shm:memfd+posix-sem",
    "shm:mp+posix-sem",
    "shm:posix+sysv-sem",
    "shm:posix+eventfd",
    "shm:posix+pthread-cond",
    "shm:posix+futex",
    "shm:posix+spin",
    "shm:posix+spin-block",
    "shm:posix+sysv-sem-counted",
    "shm:posix+eventfd-counted",
    "shm:memfd+posix-sem/huge",
    "shm:posix+posix-sem/in-place",
    "shm:posix+spin/in-place",
)


# family whose members are pairs -> (module, callable that lists all of them)
_PRODUCTS: dict[str, tuple[str, str]] = {
    "shm": ("ipcbench.transports.shm.transport", "product"),
}

# family some of whose names are aliases -> (module, function of the text behind the colon)
_ALIASES: dict[str, tuple[str, str]] = {
    "shm": ("ipcbench.transports.shm.aliases", "meaning"),
}


class UnknownTransport(TransportError):
    """Name that no transport has."""


class DuplicateName(TransportError):
    """Name that two transports have."""


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plug-in that does not load, and the reason."""

    name: str
    reason: Unavailable


@cache
def _plugins() -> dict[str, EntryPoint]:
    """Find the entry points of plug-ins by their names. Raises: DuplicateName."""
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
    """List all names: the built-in transports, the null transport last, then the plug-ins.

    Raises:
        DuplicateName: two transports have the same name.
    """
    built_in = [name for name in _BUILT_IN if name != "null"]
    return [*built_in, *_MEMBERS, "null", *sorted(_plugins())]


@cache
def get(name: str) -> Transport | BrokenPlugin:
    """Return the transport of a name, or a BrokenPlugin for a plug-in that does not load.

    Args:
        name: the name, as `ipcbench list` shows it, or of any other member of a family.

    Raises:
        UnknownTransport: there is none of that name.
        DuplicateName: two transports have the same name.
    """
    if name in _BUILT_IN:
        return _make(*_BUILT_IN[name])()
    family, colon, parameters = name.partition(":")
    if colon and family in _FAMILIES:
        try:
            return _make(*_FAMILIES[family])(parameters)
        except ValueError as error:
            raise UnknownTransport(str(error)) from error
    entry = _plugins().get(name)
    if entry is None:
        raise UnknownTransport(_unknown(name))
    try:
        found: object = entry.load()
        plugin = found() if isinstance(found, type) else found
        if not isinstance(plugin, Transport) or plugin.name != name:
            raise TypeError(f"{entry.value} is no transport called {name!r}")
    except Exception as error:  # a plug-in's import may fail in any way at all
        return BrokenPlugin(name, Unavailable(f"its plug-in does not load: {error!r}", entry.value))
    return plugin


def transport(name: str) -> Transport:
    """Return the transport of a name.

    Args:
        name: as of `get`.

    Raises:
        Unavailable: it is of a plug-in that does not load.
        UnknownTransport: there is none of that name.
        DuplicateName: two transports have the same name.
    """
    found = get(name)
    if isinstance(found, BrokenPlugin):
        raise found.reason
    return found


def _unknown(name: str) -> str:
    """Describe a name that is unknown, with the nearest ones that are known."""
    near = get_close_matches(name, names(), n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"unknown transport {name!r}{hint}: `ipcbench list` shows all"


def meaning(name: str) -> tuple[str, Wait]:
    """Return the transport that an alias stands for, and the way in which its ends wait.

    Args:
        name: any text; what is no alias is returned with `Wait.BLOCK`.
    """
    family, _, parameters = name.partition(":")
    if family in _ALIASES:
        module, attribute = _ALIASES[family]
        found: tuple[str, Wait] | None = getattr(import_module(module), attribute)(parameters)
        if found is not None:
            return found
    return name, Wait.BLOCK


def same_as(name: str, wait: Wait) -> str:
    """Return the transport that is measured for all those that are the same if they wait so.

    Args:
        name: any text.
        wait: the way in which the ends wait.
    """
    family, _, parameters = name.partition(":")
    if family not in _ALIASES:
        return name
    module, _ = _ALIASES[family]
    found: str | None = import_module(module).same_ring(parameters, wait)
    return found or name


def _make(module: str, attribute: str) -> Callable[..., Transport]:
    maker: Callable[..., Transport] = getattr(import_module(module), attribute)
    return maker


def matching(pattern: str) -> Iterator[str]:
    """Yield the names that a pattern of the command line matches.

    Args:
        pattern: a name, or a pattern as of a shell: `shm:*`. One with a plus,
            `shm:sysv+*`, also matches pairs that `names` leaves out.

    Raises:
        UnknownTransport: it matches none.
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
