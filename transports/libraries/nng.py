"""nng's `ipc` transport, by pynng: a Pair0 at each end of a link, Push0 and Pull0 for a fan-in.

The owner makes a private folder. The server's end listens on a socket in it, the others dial.
No call of the library comes before a process attaches: nng has a dozen threads, and aborts in
a child of a process that had them. They belong to the process and run on its CPU, so their time
is the process's own. When its last end closes, a process ends them.

The endpoints call the functions of the library that pynng's classes call: its `recv` returns
new bytes, where nng_recv(3) copies into the caller's buffer. A call waits in steps, since only
between them can a handler of a signal run in Python.

There is no fan-out: a Push0 deals its messages out in turn when they are sent, also to a
receiver that ends before it has received them. There is no hub: nng has no plain socket that
answers one of several. It cannot be waited for with poll(2): nng has a descriptor for
it, but an end that has asked for it pays for every message, in every way of waiting. Nor does it
spin: its threads need the CPU that a process which spins would hold.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ipcbench.transports.base import (
    PlainChannel,
    PlainEndpoint,
    Receive,
    Send,
    check_message,
    check_spec,
    path_in,
)
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    Framing,
    Lifetime,
    Limit,
    Limits,
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Traits,
    TransportError,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.kernel_objects import check_ours, fresh_folder, remove_folder
from ipcbench.transports.libraries.library import LINGER, carry_one, load, repeated, trial
from ipcbench.transports.sockets.unix import check_length

PACKAGE = "pynng"
with suppress(Unavailable):  # imported with this file: by the fork server, and not in each run
    load("pynng", PACKAGE)

TRAITS = Traits(
    family=Family.LIBRARY,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN}),
    peer_death=PeerDeath.SILENT,  # it waits for another peer
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    copies=4,  # into a message, into the kernel, into a message, into the buffer
    unlink_early=True,
    delayed=True,  # a thread may not have written it
    attach_waits=True,
)

_GREETING = b"\x06"
_STEP = 200  # milliseconds after which a waiting call returns, so that handlers of signals run
_NEVER = 2**31 - 1  # milliseconds until a lost connection is dialled again
_PAUSE = 0.001  # seconds between two attempts to dial


class _Threads:
    """The ends of this process: with the last one, the library's threads end for good.

    Where nng 1.11 starts anew after nng_fini(3), closing a socket that has listened often hangs.
    """

    ends = 0
    ended = False

    @classmethod
    def use(cls) -> None:
        if cls.ended:
            raise Unavailable("nng has ended in this process, and cannot start again in it")
        cls.ends += 1

    @classmethod
    def leave(cls, lib: Any) -> None:
        cls.ends -= 1
        if not cls.ends:
            cls.ended = True
            lib.nng_fini()


class NngEndpoint(PlainEndpoint):
    """An end: one socket."""

    def __init__(self, pynng: Any, ticket: Ticket, folder: Path, deadline: float) -> None:
        self._lib, self._ffi, self._ticket = pynng.lib, pynng.ffi, ticket
        made = self._ffi.new("nng_socket *")
        _Threads.use()
        try:
            self._check(self._opener(ticket.role)(made), "socket")
        except BaseException:
            _Threads.ends -= 1  # the library has not started
            raise
        self._socket = made[0]
        try:
            self._configure()
            url = f"ipc://{folder}/socket".encode()
            if ticket.role in (Role.SERVER, Role.RECEIVER):
                self._listen(url)
                self._await_greetings(ticket.spec.parties - 1, deadline)
            else:
                self._dial(url, folder, deadline)
        except BaseException:
            self.close()
            raise
        if ticket.role is not Role.SENDER:
            self.recv_into = self._receiver()
        if ticket.role is not Role.RECEIVER:
            self.send = self._sender()

    def _opener(self, role: Role) -> Any:
        lib = self._lib
        openers = {Role.SENDER: lib.nng_push0_open, Role.RECEIVER: lib.nng_pull0_open}
        return openers.get(role, lib.nng_pair0_open)

    def _configure(self) -> None:
        for option in (b"recv-timeout", b"send-timeout"):
            self._set_ms(option, _STEP)
        for option in (b"reconnect-time-min", b"reconnect-time-max"):
            self._set_ms(option, _NEVER)
        self._check(self._lib.nng_socket_set_size(self._socket, b"recv-size-max", 0), "option")

    def _set_ms(self, option: bytes, milliseconds: int) -> None:
        self._check(self._lib.nng_socket_set_ms(self._socket, option, milliseconds), "option")

    def _listen(self, url: bytes) -> None:
        lib, listener = self._lib, self._ffi.new("nng_listener *")
        self._check(lib.nng_listener_create(listener, self._socket, url), "listen")
        self._check(lib.nng_listener_set_int(listener[0], b"ipc:permissions", 0o600), "listen")
        self._check(lib.nng_listener_start(listener[0], 0), "listen")

    def _dial(self, url: bytes, folder: Path, deadline: float) -> None:
        """Dial until the server listens, and greet it."""
        lib = self._lib
        absent = {lib.NNG_ENOENT, lib.NNG_ECONNREFUSED}
        while True:
            _check_folder(folder)
            error = lib.nng_dial(self._socket, url, self._ffi.NULL, 0)
            if error not in absent:
                break
            if time.monotonic() + _PAUSE > deadline:
                raise TimedOut("the server did not listen in time")
            time.sleep(_PAUSE)
        self._check(error, "dial")
        self._sender()(self._ffi.from_buffer(_GREETING))

    def _await_greetings(self, count: int, deadline: float) -> None:
        """Receive the greeting of each client or sender, which has dialled then."""
        again = self._lib.NNG_ETIMEDOUT
        size, buffer = self._ffi.new("size_t *"), self._ffi.new("char[]", len(_GREETING))
        for _ in range(count):
            size[0] = len(buffer)
            while error := self._lib.nng_recv(self._socket, buffer, size, 0):
                if error != again:
                    raise self._translate(error, "receive")
                left = round((deadline - time.monotonic()) * 1000)
                if left <= 0:
                    raise TimedOut("a dialling process did not come in time")
                self._set_ms(b"recv-timeout", min(left, _STEP))
        self._set_ms(b"recv-timeout", _STEP)

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._ticket.spec)
        return self._ffi.from_buffer(data)

    def _sender(self) -> Send:
        put, made, again = self._lib.nng_send, self._socket, self._lib.NNG_ETIMEDOUT
        nowait = self._ticket.spec.nowait
        flags = self._lib.NNG_FLAG_NONBLOCK if nowait else 0

        def send(data: Any, /) -> None:
            while error := put(made, data, len(data), flags):
                if error != again or nowait:
                    raise self._translate(error, "send")

        return repeated(send) if nowait else send

    def _receiver(self) -> Receive:
        take, made, again = self._lib.nng_recv, self._socket, self._lib.NNG_ETIMEDOUT
        nowait = self._ticket.spec.nowait
        flags = self._lib.NNG_FLAG_NONBLOCK if nowait else 0
        size, whole = self._ffi.new("size_t *"), self._ffi.from_buffer

        def recv_into(buffer: memoryview, /) -> int:
            size[0] = room = len(buffer)
            while error := take(made, whole(buffer), size, flags):
                if error != again or nowait:
                    raise self._translate(error, "receive")
                size[0] = room
            received: int = size[0]
            if received > room:  # it has copied no more than that
                raise MessageTooLarge(f"receive: {received} bytes for {room}")
            return received

        return repeated(recv_into) if nowait else recv_into

    def _close(self) -> None:
        try:
            if self._ticket.role is not Role.RECEIVER:
                self._await_written()
            self._lib.nng_close(self._socket)
        finally:
            _Threads.leave(self._lib)

    def _await_written(self) -> None:
        """Wait until the thread has written the last message, LINGER at most.

        The descriptor is readable when another message could be sent: NNG_OPT_SENDFD of
        nng_options(5). Without a connection it never is.
        """
        fd = self._ffi.new("int *")
        if self._lib.nng_socket_get_int(self._socket, b"send-fd", fd):
            return
        deadline = time.monotonic() + LINGER
        while self._connections() and time.monotonic() < deadline:
            if select.select([fd[0]], [], [], _PAUSE)[0]:
                return

    def _connections(self) -> int:
        """Count the connections of this socket: nng_stats_get(3). 0 where they are not known."""
        lib, root = self._lib, self._ffi.new("nng_stat **")
        if lib.nng_stats_get(root):
            return 0
        try:
            ours = lib.nng_stat_find_socket(root[0], self._socket)
            found = lib.nng_stat_find(ours, b"pipes") if ours else ours
            return int(lib.nng_stat_value(found)) if found else 0
        finally:
            lib.nng_stats_free(root[0])

    def _check(self, error: int, what: str) -> None:
        if error:
            raise self._translate(error, what)

    def _translate(self, error: int, what: str) -> TransportError:
        lib = self._lib
        text = self._ffi.string(lib.nng_strerror(error)).decode()
        if error in (lib.NNG_EAGAIN, lib.NNG_ETIMEDOUT):
            return WouldBlock(f"{what}: it would have to wait")
        if error == lib.NNG_ECLOSED:
            return Closed(f"{what}: this end is closed")
        return Unavailable(f"nng: {what} fails: {text}")


def _check_folder(folder: Path) -> None:
    """Check that the channel's folder is there, and ours. Raises: PeerGone, PermissionError."""
    try:
        check_ours(folder.lstat().st_uid, folder)
    except FileNotFoundError as error:
        raise PeerGone(f"there is no folder {folder}") from error


class NngChannel(PlainChannel):
    """A folder for the server's socket: a private one, or of the name in the spec."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._path = fresh_folder() if spec.name is None else _made(Path(spec.name).absolute())
        self._exists = True
        try:
            check_length(self._path / "socket")
        except BaseException:
            self.unlink()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        return Ticket(role, index, self._spec, data={"path": str(self._path)})

    def unlink(self) -> None:
        """Remove the folder, the first time: the name may be another program's afterwards."""
        if self._exists:
            self._exists = False
            remove_folder(self._path)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise
    except OSError as error:
        raise refused("mkdir(2)", error) from error
    return folder


class NngIpc:
    """The transport `nng:ipc`."""

    name = "nng:ipc"
    traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        """Try it, in a child."""
        try:
            load("pynng", PACKAGE)
            channel = NngChannel(Spec(size=1))
        except Unavailable as reason:
            return reason
        try:
            lack = trial(PACKAGE, lambda: carry_one(self, channel))
        finally:
            channel.close()
            channel.unlink()
        if lack is not None:
            return lack
        return Limits(message=Limit("message", None, "NNG_OPT_RECVMAXSZ is 0: no bound"))

    def create(self, spec: Spec) -> NngChannel:
        load("pynng", PACKAGE)
        check_spec(self, spec, None)
        return NngChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        pynng = load("pynng", PACKAGE)
        folder = Path(path_in(ticket)).absolute()
        _check_folder(folder)
        return NngEndpoint(pynng, ticket, folder, deadline)
