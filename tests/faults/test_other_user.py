"""Attacks by another user of the machine that knows every name and path: all are refused.

A forked process becomes the other user. It imports all modules before, since that user may
have no right to read them. It knows the worst case, the data of a ticket, which normally
only the channel's own processes get. It does not know the secret of TCP, which is what
admits a connection.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.contract import (
    Channel,
    Lifetime,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Transport,
)
from ipcbench.transports.kernel_objects import fresh_key
from ipcbench.transports.kernel_objects.home import PREFIX
from ipcbench.transports.kernel_objects.ledger import current, standing
from ipcbench.transports.registry import get, names
from ipcbench.transports.sync.signals import SIGNAL
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.leaks import KernelObject, Thing, kernel_objects
from ipcbench.transports.testing.participants import Participants, Seat, receive, seats, send
from tests.available import available
from tests.faults.other_user import OTHER_UID, Try, as_root, attempts, other_user, perform

MESSAGE = b"still here"

_libc = ctypes.CDLL(None, use_errno=True)
_IPC_RMID, _IPC_NOWAIT, _PIDFD_GETFD = 0, 0o4000, 438

pytestmark = as_root

__all__ = ["other_user"]


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder like /tmp: writable for all, with the sticky bit."""
    tmpfs = "tmpfs" in request.node.name
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if tmpfs else "/var/tmp"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def spec_of(transport: Transport, name: str | None = None) -> Spec:
    wanted = (Topology.LINK, Topology.SIGNAL, Topology.GUARD, Topology.FILE, Topology.NEWEST)
    topology = next(one for one in wanted if one in transport.traits.topologies)
    nothing = topology in (Topology.SIGNAL, Topology.GUARD)
    return Spec(0 if nothing else len(MESSAGE), topology, name=name)


# The attempts.


def join(name: str, role: Role, index: int, spec: Spec, data: dict[str, Any]) -> None:
    transport = get(name)
    assert isinstance(transport, Transport)
    ticket = Ticket(role, index, spec, data)
    transport.attach(ticket, time.monotonic() + 0.3).close()


def open_file(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_NONBLOCK))


def connect(kind: int, path: str) -> None:
    with socket.socket(socket.AF_UNIX, kind) as mine:
        mine.connect(path)


def send_datagram(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:
        mine.sendto(b"from another user", path)


def write_into(folder: str) -> None:
    Path(folder, "squatter").touch()


def open_queue(name: str, read: bool) -> None:
    posix_ipc.MessageQueue(name, read=read, write=not read).close()


def system_call(number_or_name: str | int, *arguments: Any) -> None:
    """Call by number or by libc's name. Raises: OSError."""
    if isinstance(number_or_name, int):
        arguments = (number_or_name, *arguments)
        number_or_name = "syscall"
    if getattr(_libc, number_or_name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def attach_memory(identity: int) -> None:
    _libc.shmat.restype = ctypes.c_void_p
    if _libc.shmat(identity, None, 0) == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def take_descriptor(pid: int, fd: int) -> None:
    mine = os.pidfd_open(pid)  # every user may do this: pidfd_open(2)
    try:
        system_call(_PIDFD_GETFD, mine, fd, 0)
    finally:
        os.close(mine)


def signal_it(pid: int, number: int) -> None:
    os.kill(pid, number)


def on_files(path: str) -> list[Try]:
    tries: list[Try] = [
        (f"read {path}", open_file, (path, os.O_RDONLY)),
        (f"wrote {path}", open_file, (path, os.O_WRONLY)),
        (f"truncated {path}", os.truncate, (path, 0)),
        (f"removed {path}", os.unlink, (path,)),
        (f"renamed {path}", os.rename, (path, path + "-renamed")),
        (f"opened {path} to all", os.chmod, (path, 0o777)),
    ]
    mode = Path(path).lstat().st_mode
    if stat.S_ISDIR(mode):
        tries += [
            (f"listed {path}", os.listdir, (path,)),
            (f"put something into {path}", write_into, (path,)),
        ]
    if stat.S_ISSOCK(mode):
        kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)
        tries += [(f"connected to {path}", connect, (kind, path)) for kind in kinds]
        tries.append((f"sent to {path}", send_datagram, (path,)))
    return tries


def on_system_v(thing: Thing) -> list[Try]:
    table = thing.kind.removeprefix("System V ")
    identity, key = int(thing.name.split()[0]), int(thing.name.rpartition(" ")[2], 0)
    by_key = {"msg": sysv_ipc.MessageQueue, "sem": sysv_ipc.Semaphore, "shm": sysv_ipc.SharedMemory}
    tries: list[Try] = [
        (f"opened {thing}", by_key[table], (key,)),
        (f"opened {thing} to read", by_key[table], (key, 0, 0o400)),
    ]
    if table == "msg":
        tries += [
            (f"removed {thing}", system_call, ("msgctl", identity, _IPC_RMID, None)),
            (f"received of {thing}", receive_message, (identity,)),
            (f"sent to {thing}", send_message, (identity,)),
        ]
    elif table == "sem":
        tries += [
            (f"removed {thing}", system_call, ("semctl", identity, 0, _IPC_RMID)),
            (f"set {thing}", system_call, ("semctl", identity, 0, 16, 5)),  # SETVAL
            (f"read {thing}", system_call, ("semctl", identity, 0, 12)),  # GETVAL
        ]
    else:
        tries += [
            (f"removed {thing}", system_call, ("shmctl", identity, _IPC_RMID, None)),
            (f"attached {thing}", attach_memory, (identity,)),
        ]
    return tries


def receive_message(identity: int) -> None:
    buffer = ctypes.create_string_buffer(8192 + 8)
    system_call("msgrcv", identity, buffer, 8192, ctypes.c_long(0), _IPC_NOWAIT)


def send_message(identity: int) -> None:
    message = ctypes.create_string_buffer((1).to_bytes(8, "little") + b"bad")
    system_call("msgsnd", identity, message, 3, _IPC_NOWAIT)


def on_process(pid: int) -> list[Try]:
    """List attempts to reach unnamed objects through the processes that hold them."""
    descriptors = sorted(int(one) for one in os.listdir(f"/proc/{pid}/fd"))
    tries: list[Try] = [
        (f"looked at the descriptors of {pid}", os.listdir, (f"/proc/{pid}/fd",)),
        (f"read the memory of {pid}", open_file, (f"/proc/{pid}/mem", os.O_RDONLY)),
        (f"read the maps of {pid}", open_file, (f"/proc/{pid}/maps", os.O_RDONLY)),
        (f"read the environment of {pid}", open_file, (f"/proc/{pid}/environ", os.O_RDONLY)),
        (f"killed {pid}", signal_it, (pid, signal.SIGKILL)),
        (f"woke {pid}", signal_it, (pid, SIGNAL)),
    ]
    for fd in descriptors:
        tries.append((f"opened {fd} of {pid}", open_file, (f"/proc/{pid}/fd/{fd}", os.O_RDWR)))
        tries.append((f"took {fd} of {pid}", take_descriptor, (pid, fd)))
    return tries


def on_objects(created: list[KernelObject]) -> list[Try]:
    tries: list[Try] = []
    for thing in (one.thing for one in created):
        if thing.kind == "posix queue":
            tries += [
                (f"read {thing}", open_queue, (thing.name, True)),
                (f"wrote {thing}", open_queue, (thing.name, False)),
                (f"removed {thing}", posix_ipc.unlink_message_queue, (thing.name,)),
            ]
        elif thing.kind == "file":
            tries += on_files(thing.name)
        else:
            tries += on_system_v(thing)
    return tries


def announced() -> set[tuple[str, str]]:
    """List the objects in this run's ledger, since other processes create objects meanwhile."""
    return set(standing(current()))


def is_one_of(names: set[tuple[str, str]], one: KernelObject) -> bool:
    """Test whether the object has one of these names or lies in a folder of that name."""
    words = {f"key {name}" if kind.startswith("sysv") else Path(name).name for kind, name in names}
    return any(word in one.thing.name for word in words)


# Normal use meanwhile.


def ticket_data(seat: Seat) -> dict[str, Any]:
    return dict(seat.ticket.data)


def wake(seat: Seat) -> None:
    seat.endpoint.notify()  # type: ignore[attr-defined]


def sleep(seat: Seat) -> None:
    seat.endpoint.wait()  # type: ignore[attr-defined]


def update(seat: Seat) -> None:
    seat.endpoint.acquire()  # type: ignore[attr-defined]
    seat.endpoint.release()  # type: ignore[attr-defined]


def write_it(seat: Seat) -> None:
    seat.endpoint.write_at(MESSAGE, 0)  # type: ignore[attr-defined]


def read_it(seat: Seat) -> bytes:
    buffer = memoryview(bytearray(len(MESSAGE)))
    seat.endpoint.read_at(buffer, 0)  # type: ignore[attr-defined]
    return bytes(buffer)


def still_works(crew: Participants, spec: Spec, carries: bool) -> bool:
    if spec.topology is Topology.NEWEST:
        crew.actors[0].do(send, MESSAGE)
        return crew.actors[1].do(receive) == [MESSAGE]
    if spec.topology is Topology.FILE:
        crew.actors[0].do(write_it)
        return all(actor.do(read_it) == MESSAGE for actor in crew.actors)
    if spec.topology is Topology.SIGNAL:
        one, other = crew.actors
        other.begin(sleep)
        one.do(wake)
        other.answer()
    elif spec.topology is Topology.GUARD:
        for actor in crew.actors:
            actor.do(update)
    elif carries:
        return crew.carry(MESSAGE) == [MESSAGE] == crew.carry(MESSAGE, back=True)
    return True


@pytest.mark.parametrize("name", names())
def test_another_user_has_no_access(name: str, other_user: Actor) -> None:
    transport = available(name)
    spec = spec_of(transport)
    before = announced()
    with Participants(transport, spec) as crew:
        created = [one for one in kernel_objects().values() if is_one_of(announced() - before, one)]
        tries = on_objects(created)
        for actor in crew.actors:
            tries += on_process(actor.pid)
        if has_names(transport):
            data = crew.actors[0].do(ticket_data)
            assert created, "no named object was found"
            tries += [
                (f"joined as {role.value}", join, (name, role, index, spec, data))
                for role, index in seats(spec)
                if not needs_descriptors(transport, role)
            ]
        assert other_user.do(attempts, tries) == []
        assert len(tries) > 20
        for one in created:
            is_folder = one.thing.kind == "file" and Path(one.thing.name).is_dir()
            assert one.mode == (0o700 if is_folder else 0o600), one
        assert still_works(crew, spec, transport.traits.carries)


def needs_descriptors(transport: Transport, role: Role) -> bool:
    """A server of Unix sockets inherits its descriptor: the path alone does not admit it."""
    return transport.name.startswith("unix-") and role is Role.SERVER


# Names that the other user takes first.


def has_names(transport: Transport) -> bool:
    return (
        transport.traits.sharing is Sharing.NAME
        and transport.traits.lifetime is not Lifetime.PROCESS
    )


def fixed_name(transport: Transport, shared: Path) -> str:
    if transport.traits.lifetime is Lifetime.FILE_SYSTEM and "sysv" not in transport.name:
        return str(shared / "name")
    key = str(fresh_key() % 2**30 + 1)
    return key if transport.name.startswith("sysv-queue") else f"/{key}"


_channels: list[Channel] = []
_connections: list[socket.socket] = []


def take(name: str, spec: Spec, shared: Path) -> dict[str, Any]:
    """Create the channel as the other user; return a ticket's data."""
    transport = get(name)
    assert isinstance(transport, Transport)
    (shared / "home").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(shared / "home")
    os.umask(0)
    channel = transport.create(spec)
    _channels.append(channel)
    ticket = channel.ticket(*seats(spec)[-1])
    data = dict(ticket.data)
    ticket.close()
    return data


def leave() -> None:
    for channel in _channels:
        channel.close()
        channel.unlink()


NAMED = [
    name
    for name in names()
    if isinstance(transport := get(name), Transport) and has_names(transport)
]


@pytest.mark.parametrize("name", NAMED)
def test_a_name_that_another_user_took(name: str, other_user: Actor, shared: Path) -> None:
    """Creating it fails, and attaching by name alone reports its owner."""
    transport = available(name)
    spec = spec_of(transport, fixed_name(transport, shared))
    data = other_user.do(perform, take, name, spec, shared)
    try:
        with pytest.raises(FileExistsError):
            transport.create(spec)
        for role, index in seats(spec):
            if not needs_descriptors(transport, role):
                with pytest.raises(PermissionError, match=f"belongs to user {OTHER_UID}"):
                    join(name, role, index, spec, data)
    finally:
        other_user.do(perform, leave)


@pytest.mark.parametrize("name", ["fifo", "flock", "shm:file+posix-sem"])
def test_links_that_another_user_made(name: str, other_user: Actor, shared: Path) -> None:
    """They lead to a file of this test's user, which attaching must not follow."""
    transport = available(name)
    spec = spec_of(transport, str(shared / "name"))
    with Participants(transport, spec_of(transport)) as crew:
        data = crew.actors[0].do(ticket_data)
        real = data.get("path") or data.get("segment")
        link = str(shared / "link")
        other_user.do(perform, os.symlink, str(real), link)
        data |= {"path": link, "segment": link}
        for role, index in seats(spec):
            with pytest.raises(PermissionError, match="is a symbolic link"):
                join(name, role, index, spec, data)


# Channels without names, and ports.


PICKLED = ["mp-pipe", "mp-pipe-pickle", "mp-pipe-pickle5", "mp-simple-queue", "mp-queue"]


@pytest.mark.parametrize("name", PICKLED)
def test_only_inherited_descriptors_carry_pickles(name: str) -> None:
    """Without address and name, another user cannot connect, so it cannot send a pickle."""
    transport = available(name)
    before = announced(), listening()
    with Participants(transport, spec_of(transport)) as crew:
        assert all("path" not in actor.do(ticket_data) for actor in crew.actors)
        assert transport.traits.sharing is Sharing.INHERIT
        assert announced() == before[0]
        assert not [one for one in listening() - before[1] if PREFIX in one]
        assert still_works(crew, spec_of(transport), carries=True)


def listening() -> set[str]:
    """List names of Unix sockets, and listening ports: proc_net(5)."""
    unix = Path("/proc/net/unix").read_text().splitlines()
    ports = [
        line
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()
    ]
    return {line.split()[7] for line in unix[1:] if len(line.split()) > 7} | {
        line.split()[1] for line in ports if line.split()[3] == "0A"
    }


def family(address: tuple[str, int]) -> int:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def connect_and_send(address: tuple[str, int], data: bytes) -> None:
    """Connect as the other user and send data."""
    mine = socket.socket(family(address))
    mine.settimeout(5)
    mine.connect(address)
    mine.sendall(data)
    _connections.append(mine)


def receive_answer() -> bytes:
    with _connections.pop() as mine:
        try:
            return mine.recv(100)
        except ConnectionResetError:
            return b""


def squat(address: tuple[str, int]) -> None:
    with socket.socket(family(address)) as mine:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        mine.bind(address)
        mine.listen()


def attached(name: str, ticket: Ticket) -> Any:
    transport = get(name)
    assert isinstance(transport, Transport)
    return transport.attach(ticket, time.monotonic() + 5)


@pytest.mark.parametrize("name", ["tcp", "tcp6"])
def test_the_port_of_a_channel(name: str, other_user: Actor) -> None:
    """Any user may connect, but only with the secret is it served; the port is taken."""
    transport = available(name)
    channel = transport.create(Spec(len(MESSAGE)))
    ticket = channel.ticket(Role.CLIENT, 0)
    address = (ticket.data["address"][0], ticket.data["address"][1])
    with pytest.raises(OSError, match="in use"):
        other_user.do(perform, squat, address)
    other_user.do(perform, connect_and_send, address, bytes(36))  # as long as a secret and an index
    client = attached(name, ticket)
    server = attached(name, channel.ticket(Role.SERVER, 0))
    assert other_user.do(perform, receive_answer) == b""
    client.send(MESSAGE)
    buffer = memoryview(bytearray(len(MESSAGE)))
    server.recv_into(buffer)
    assert bytes(buffer) == MESSAGE
    for end in (client, server, channel):
        end.close()
