"""A second user on the machine, who knows every name and path: he gets nowhere.

He is a forked process that has become another user, with all that he needs
imported before: our code may lie where he cannot read. What he learnt is the
worst case, a ticket's data, though a ticket is only ever handed to our own
processes. TCP's secret alone is kept from him, for it is what lets one in.
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
from ipcbench.transports.testing.participants import Crew, Seat, seats
from tests.available import available
from tests.faults.strangers import STRANGER, Try, as_root, attempts, perform, stranger

MESSAGE = b"still ours"

_libc = ctypes.CDLL(None, use_errno=True)
_IPC_RMID, _IPC_NOWAIT, _PIDFD_GETFD = 0, 0o4000, 438

pytestmark = as_root

__all__ = ["stranger"]


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder where everybody may write, with the sticky bit, as /tmp is one."""
    tmpfs = "tmpfs" in request.node.name
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if tmpfs else "/var/tmp"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def spec_of(found: Transport, name: str | None = None) -> Spec:
    wanted = (Topology.LINK, Topology.SIGNAL, Topology.GUARD)
    topology = next(one for one in wanted if one in found.traits.topologies)
    return Spec(len(MESSAGE) if topology is Topology.LINK else 0, topology, name=name)


# What he tries.


def join(name: str, role: Role, index: int, spec: Spec, data: dict[str, Any]) -> None:
    found = get(name)
    assert isinstance(found, Transport)
    ticket = Ticket(role, index, spec, data)
    found.attach(ticket, time.monotonic() + 0.3).close()


def open_file(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_NONBLOCK))


def connect(kind: int, path: str) -> None:
    with socket.socket(socket.AF_UNIX, kind) as mine:
        mine.connect(path)


def send_datagram(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:
        mine.sendto(b"from a stranger", path)


def write_into(folder: str) -> None:
    Path(folder, "squatter").touch()


def open_queue(name: str, read: bool) -> None:
    posix_ipc.MessageQueue(name, read=read, write=not read).close()


def system_call(number_or_name: str | int, *arguments: Any) -> None:
    """By number or by libc's name; what it says is raised."""
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
    mine = os.pidfd_open(pid)  # that a process is there is no secret
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
        (f"renamed {path}", os.rename, (path, path + "-his")),
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
    room = ctypes.create_string_buffer(8192 + 8)
    system_call("msgrcv", identity, room, 8192, ctypes.c_long(0), _IPC_NOWAIT)


def send_message(identity: int) -> None:
    message = ctypes.create_string_buffer((1).to_bytes(8, "little") + b"his")
    system_call("msgsnd", identity, message, 3, _IPC_NOWAIT)


def on_process(pid: int) -> list[Try]:
    """What has no name is reached through the processes that hold it."""
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
    """What stands in the ledger of this run: beside it others may come and go."""
    return set(standing(current()))


def is_one_of(names: set[tuple[str, str]], one: KernelObject) -> bool:
    """Whether the object has one of these names, or lies in the folder of that name."""
    words = {f"key {name}" if kind.startswith("sysv") else Path(name).name for kind, name in names}
    return any(word in one.thing.name for word in words)


# What our own processes do meanwhile.


def ticket_data(seat: Seat) -> dict[str, Any]:
    return dict(seat.ticket.data)


def wake(seat: Seat) -> None:
    seat.endpoint.notify()  # type: ignore[attr-defined]


def sleep(seat: Seat) -> None:
    seat.endpoint.wait()  # type: ignore[attr-defined]


def update(seat: Seat) -> None:
    seat.endpoint.acquire()  # type: ignore[attr-defined]
    seat.endpoint.release()  # type: ignore[attr-defined]


def goes_on(crew: Crew, spec: Spec, carries: bool) -> bool:
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
def test_he_gets_nowhere(name: str, stranger: Actor) -> None:
    found = available(name)
    spec = spec_of(found)
    before = announced()
    with Crew(found, spec) as crew:
        created = [one for one in kernel_objects().values() if is_one_of(announced() - before, one)]
        tries = on_objects(created)
        for actor in crew.actors:
            tries += on_process(actor.pid)
        if has_names(found):
            data = crew.actors[0].do(ticket_data)
            assert created, "what would he have learnt the name of?"
            tries += [
                (f"joined as {role.value}", join, (name, role, index, spec, data))
                for role, index in seats(spec)
                if not needs_descriptors(found, role)
            ]
        assert stranger.do(attempts, tries) == []
        assert len(tries) > 20
        for one in created:
            is_folder = one.thing.kind == "file" and Path(one.thing.name).is_dir()
            assert one.mode == (0o700 if is_folder else 0o600), one
        assert goes_on(crew, spec, found.traits.carries)


def needs_descriptors(found: Transport, role: Role) -> bool:
    """A listening socket's end is handed over, whoever knows its path."""
    return found.name.startswith("unix-") and role is Role.SERVER


# Names that he took first.


def has_names(found: Transport) -> bool:
    return found.traits.sharing is Sharing.NAME and found.traits.lifetime is not Lifetime.PROCESS


def fixed_name(found: Transport, shared: Path) -> str:
    if found.traits.lifetime is Lifetime.FILE_SYSTEM and "sysv" not in found.name:
        return str(shared / "name")
    key = str(fresh_key() % 2**30 + 1)
    return key if found.name.startswith("sysv-queue") else f"/{key}"


_his: list[Channel] = []
_heard: list[socket.socket] = []


def take(name: str, spec: Spec, shared: Path) -> dict[str, Any]:
    """He makes the channel, and waits for us."""
    found = get(name)
    assert isinstance(found, Transport)
    (shared / "his").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(shared / "his")
    os.umask(0)
    channel = found.create(spec)
    _his.append(channel)
    ticket = channel.ticket(*seats(spec)[-1])
    data = dict(ticket.data)
    ticket.close()
    return data


def leave() -> None:
    for channel in _his:
        channel.close()
        channel.unlink()


NAMED = [name for name in names() if isinstance(found := get(name), Transport) and has_names(found)]


@pytest.mark.parametrize("name", NAMED)
def test_a_name_that_he_took(name: str, stranger: Actor, shared: Path) -> None:
    """It is taken, and who comes to it by its name alone is told whose it is."""
    found = available(name)
    spec = spec_of(found, fixed_name(found, shared))
    data = stranger.do(perform, take, name, spec, shared)
    try:
        with pytest.raises(FileExistsError):
            found.create(spec)
        for role, index in seats(spec):
            if not needs_descriptors(found, role):
                with pytest.raises(PermissionError, match=f"belongs to user {STRANGER}"):
                    join(name, role, index, spec, data)
    finally:
        stranger.do(perform, leave)


@pytest.mark.parametrize("name", ["fifo", "flock", "shm:file+posix-sem"])
def test_links_that_he_made(name: str, stranger: Actor, shared: Path) -> None:
    """To a file of ours, which he would like us to use."""
    found = available(name)
    spec = spec_of(found, str(shared / "name"))
    with Crew(found, spec_of(found)) as crew:
        data = crew.actors[0].do(ticket_data)
        real = data.get("path") or data.get("segment")
        link = str(shared / "link")
        stranger.do(perform, os.symlink, str(real), link)
        data |= {"path": link, "segment": link}
        for role, index in seats(spec):
            with pytest.raises(PermissionError, match="is a symbolic link"):
                join(name, role, index, spec, data)


# What has no name, and what has a port.


@pytest.mark.parametrize("name", ["mp-pipe", "mp-pipe-pickle", "mp-simple-queue", "mp-queue"])
def test_what_is_unpickled_comes_over_inherited_descriptors_alone(name: str) -> None:
    """No address, no name: nothing that he could connect to, so nothing that he could send."""
    found = available(name)
    before = announced(), listening()
    with Crew(found, spec_of(found)) as crew:
        assert all("path" not in actor.do(ticket_data) for actor in crew.actors)
        assert found.traits.sharing is Sharing.INHERIT
        assert announced() == before[0]
        assert not [one for one in listening() - before[1] if PREFIX in one]
        assert goes_on(crew, spec_of(found), carries=True)


def listening() -> set[str]:
    """Names of Unix sockets, and ports: proc_net(5)."""
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


def knock(address: tuple[str, int], said: bytes) -> None:
    """He connects, and says something."""
    mine = socket.socket(family(address))
    mine.settimeout(5)
    mine.connect(address)
    mine.sendall(said)
    _heard.append(mine)


def hear() -> bytes:
    with _heard.pop() as mine:
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
    found = get(name)
    assert isinstance(found, Transport)
    return found.attach(ticket, time.monotonic() + 5)


@pytest.mark.parametrize("name", ["tcp", "tcp6"])
def test_at_the_port(name: str, stranger: Actor) -> None:
    """Anybody may connect, and nobody without the secret is heard; the port is not to be had."""
    found = available(name)
    channel = found.create(Spec(len(MESSAGE)))
    ticket = channel.ticket(Role.CLIENT, 0)
    address = (ticket.data["address"][0], ticket.data["address"][1])
    with pytest.raises(OSError, match="in use"):
        stranger.do(perform, squat, address)
    stranger.do(perform, knock, address, bytes(36))  # as long as a secret and an index
    client = attached(name, ticket)
    server = attached(name, channel.ticket(Role.SERVER, 0))
    assert stranger.do(perform, hear) == b""
    client.send(MESSAGE)
    buffer = memoryview(bytearray(len(MESSAGE)))
    server.recv_into(buffer)
    assert bytes(buffer) == MESSAGE
    for end in (client, server, channel):
        end.close()
