"""Tests of orphans: objects without a ledger and without a user, and no others."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.kernel_objects import (
    announce,
    fresh_key,
    fresh_name,
    named_files,
    orphans,
    users_of_objects,
    withdraw,
)
from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.kernel_objects.origin import INITIAL_PIDS, namespace
from ipcbench.transports.kernel_objects.orphans import Candidate, candidates
from ipcbench.transports.testing.actors import Actor

pytestmark = pytest.mark.skipif(
    namespace("pid") != INITIAL_PIDS,
    reason="only in the PID namespace of the host are all processes visible",
)


@pytest.fixture(autouse=True)
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test folders of its own, and objects that are old enough."""
    # Its path is short, for socket paths have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="ipcb-shm-"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "home"))
    monkeypatch.setattr(named_files, "_SHARED", (folder,))
    monkeypatch.setattr(orphans, "QUIET", -5.0)
    monkeypatch.setattr(users_of_objects, "BINDING", "no such library")
    yield folder
    shutil.rmtree(folder)


def of(name: str) -> Candidate | None:
    """Return the candidate of a name, or of a key."""
    shown = f"{int(name):#010x}" if name.isdigit() else name
    return next((each for each in candidates() if each.name == shown), None)


def queue(_: object, key: int, send: bool) -> None:
    made = sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
    if send:
        made.send(b"1")


def semaphore(_: object, key: int, send: bool) -> None:
    sysv_ipc.Semaphore(key, sysv_ipc.IPC_CREX, 0o600, int(send))


def memory(_: object, key: int, send: bool) -> None:
    made = sysv_ipc.SharedMemory(key, sysv_ipc.IPC_CREX, 0o600, 8)
    if not send:
        made.detach()


MAKERS = {"sysv queue": queue, "sysv semaphore": semaphore, "sysv memory": memory}


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("kind", MAKERS)
def test_an_object_is_an_orphan_when_its_users_have_ended(kind: str, used: bool) -> None:
    key = fresh_key()
    with Actor(lambda: None) as actor:
        actor.do(MAKERS[kind], key, used)
        if kind != "sysv queue" or used:  # the creator of a queue is not recorded
            assert of(str(key)) is None
        actor.kill()
    found = of(str(key))
    assert found is not None
    assert found.kind == kind
    assert found.doubt == ""
    assert found.evidence.startswith("its last users" if used or "queue" not in kind else "it was")
    removed, left = orphans.remove([found])
    assert (removed, left) == ([found], [])
    assert of(str(key)) is None
    assert orphans.remove([found]) == ([], [])  # gone meanwhile


def test_a_key_of_another_form_is_another_programs() -> None:
    with Actor(lambda: None) as actor:
        actor.do(queue, 0x1D000001, True)
        actor.kill()
    assert of(str(0x1D000001)) is None
    sysv_ipc.MessageQueue(0x1D000001).remove()


def test_an_object_in_a_ledger_is_none(shared: Path) -> None:
    key, name = fresh_key(), f"/{fresh_name()}"
    announce("sysv queue", str(key))
    announce("posix memory", name)
    path = shared / name[1:]
    path.touch()
    known = {str(key), name}
    with Actor(lambda: None) as actor:
        actor.do(queue, key, True)
        actor.kill()
    assert [each for each in orphans._sysv(known) if each.name == f"{key:#010x}"] == []
    assert list(orphans._files(known)) == []
    withdraw("sysv queue", str(key))
    withdraw("posix memory", name)
    found = of(str(key))
    assert found is not None
    orphans.remove([found])


def test_an_object_that_was_just_used_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    key = fresh_key()
    with Actor(lambda: None) as actor:
        actor.do(queue, key, True)
        actor.kill()
    monkeypatch.setattr(orphans, "QUIET", 60.0)
    found = of(str(key))
    assert found is not None
    assert "run this again in a minute" in found.doubt
    assert orphans.remove([found]) == ([], [found])
    sysv_ipc.MessageQueue(key).remove()


def test_a_queue_that_was_never_used_may_have_a_living_creator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(users_of_objects, "BINDING", "sysv_ipc")
    key = fresh_key()
    with Actor(lambda: None) as actor:
        actor.do(queue, key, False)
        found = of(str(key))
        assert found is not None
        assert "may have created it" in found.doubt
        actor.kill()
    sysv_ipc.MessageQueue(key).remove()


def test_a_waiting_process_uses_a_semaphore() -> None:
    key = fresh_key()
    with Actor(lambda: None) as maker:
        maker.do(semaphore, key, False)
        maker.kill()
    waiter = subprocess.Popen(
        [sys.executable, "-c", f"import sysv_ipc; sysv_ipc.Semaphore({key}).P()"]
    )
    with waiter:
        try:
            deadline = time.monotonic() + 20
            while of(str(key)) is not None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            waiter.kill()
    assert of(str(key)) is not None
    sysv_ipc.Semaphore(key).remove()


def test_a_pid_that_another_process_has_now() -> None:
    assert users_of_objects.lives(os.getpid(), 0.0)
    assert not users_of_objects.lives(os.getpid(), 1e9)
    assert not users_of_objects.lives(2**22 + 1, 0.0)


def test_another_users_object_is_none(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    key = fresh_key()
    with Actor(lambda: None) as actor:
        actor.do(queue, key, True)
        actor.kill()
    path = shared / fresh_name()
    path.touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert list(orphans._sysv(set())) == []
        assert named_files.ours() == []
    sysv_ipc.MessageQueue(key).remove()


# Files, folders and POSIX objects.


@pytest.mark.parametrize("prefix", ["", "sem."])
def test_a_file_that_no_process_has_open(prefix: str, shared: Path) -> None:
    path = shared / f"{prefix}{fresh_name()}"
    path.touch()
    found = of(str(path))
    assert found is not None and found.kind == "file" and found.doubt == ""
    orphans.remove([found])
    assert not path.exists()


def test_a_folder_in_the_runtime_folder() -> None:
    path = home() / fresh_name()
    path.mkdir()
    (path / "fifo").touch()
    found = of(str(path))
    assert found is not None and found.kind == "folder"
    orphans.remove([found])
    assert not path.exists()


def test_a_ledger_without_its_final_name() -> None:
    path = home() / "0123456789abcdef.new"
    path.touch()
    found = of(str(path))
    assert found is not None
    orphans.remove([found])
    assert not path.exists()


@pytest.fixture(params=["open", "mapped", "bound"])
def in_use(request: pytest.FixtureRequest, shared: Path) -> Iterator[Path]:
    """A file that a process has open or mapped, or a folder with a socket."""
    path = shared / fresh_name()
    kept: list[Any] = []
    if request.param == "bound":
        path.mkdir()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path / "socket"))
        kept.append(listener)
    elif request.param == "open":
        kept.append(path.open("w"))
    else:
        import mmap

        path.write_bytes(b"1")
        with path.open("r+b") as file:
            kept.append(mmap.mmap(file.fileno(), 1))
    yield path
    for each in kept:
        each.close()


def test_a_file_in_use_is_no_orphan(in_use: Path) -> None:
    assert of(str(in_use)) is None


@pytest.mark.parametrize("name", ["ipcbench-precious", "precious", "ipcbench-0123456789abcdeg"])
def test_other_names_are_other_programs(name: str, shared: Path) -> None:
    (shared / name).touch()
    assert of(str(shared / name)) is None


def test_a_link_is_none(shared: Path, tmp_path: Path) -> None:
    link = shared / fresh_name()
    link.symlink_to(tmp_path)
    assert of(str(link)) is None


def test_a_file_that_cannot_be_removed(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared / fresh_name()
    path.touch()
    found = of(str(path))
    assert found is not None

    def refuse(self: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    removed, (left,) = orphans.remove([found])
    assert removed == []
    assert left.reason == "it cannot be removed: Operation not permitted"


def test_posix_queues_without_their_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_files, "MESSAGE_QUEUES", Path("/no/where"))
    monkeypatch.setattr(orphans, "_QUEUES_OF_KERNEL", Path("/proc/sys"))
    (found,) = orphans.unlisted()
    assert found.reason == "/no/where is not mounted"
    assert "mount -t mqueue mqueue /no/where" in found.remedy
    monkeypatch.setattr(orphans, "_QUEUES_OF_KERNEL", Path("/no/where"))  # a kernel without them
    assert orphans.unlisted() == []


def test_a_posix_queue_and_its_file() -> None:
    """A queue is a file where its file system is mounted: mq_overview(7)."""
    if not Path("/dev/mqueue").is_mount():
        pytest.skip("/dev/mqueue is not mounted")
    name = fresh_name()
    made = posix_ipc.MessageQueue(f"/{name}", posix_ipc.O_CREX, 0o600)
    try:
        assert name in users_of_objects.names_in_use()
        made.close()
        assert name not in users_of_objects.names_in_use()
    finally:
        posix_ipc.unlink_message_queue(f"/{name}")
