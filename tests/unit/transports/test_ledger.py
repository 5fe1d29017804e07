"""Tests of the ledger: announced objects are found and removed, and no others."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects import (
    announce,
    fresh_folder,
    fresh_key,
    fresh_name,
    removal,
    remove_folder,
    withdraw,
)
from ipcbench.transports.kernel_objects.home import PREFIX, home
from ipcbench.transports.kernel_objects.ledger import (
    KINDS,
    LEDGER_VARIABLE,
    Ledger,
    Owner,
    abandoned,
    current,
    process_start,
    remove_all,
    standing,
)
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.leaks import left_since, snapshot


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a private folder of its own; it leaves no kernel object."""
    before = snapshot()
    with monkeypatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        patch.delenv(LEDGER_VARIABLE, raising=False)
        yield home()
    assert left_since(before) == []


def ledger_with(*lines: bytes) -> Ledger:
    ledger = Ledger.open_new(os.getpid())
    with ledger.path.open("ab") as out:
        out.write(b"".join(lines))
    return ledger


def line(kind: str, name: str) -> bytes:
    return json.dumps({"kind": kind, "name": name}).encode() + b"\n"


# Functions of an owner's process, which is killed later.


def create_one_of_each(_: object) -> tuple[str, list[tuple[str, str]]]:
    memory, semaphore = "/" + fresh_name(), "/" + fresh_name()
    key = fresh_key()
    announce("posix memory", memory)
    os.close(posix_ipc.SharedMemory(memory, posix_ipc.O_CREX, 0o600, size=1).fd)
    announce("posix semaphore", semaphore)
    posix_ipc.Semaphore(semaphore, posix_ipc.O_CREX, 0o600).close()
    announce("sysv queue", str(key))
    sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
    folder = fresh_folder()
    (folder / "socket").touch()
    file = home() / fresh_name()
    announce("file", str(file))
    file.touch()
    names = [
        ("posix memory", memory),
        ("posix semaphore", semaphore),
        ("sysv queue", str(key)),
        ("folder", str(folder)),
        ("file", str(file)),
    ]
    return str(current().path), names


def announce_only(_: object) -> str:
    announce("posix memory", "/" + fresh_name())
    return str(current().path)


def test_a_killed_owner_is_found_and_all_of_its_objects_are_removed() -> None:
    bystander = posix_ipc.SharedMemory("/" + fresh_name(), posix_ipc.O_CREX, size=1)
    os.close(bystander.fd)
    try:
        with Actor(lambda: None) as owner:
            path, created = owner.do(create_one_of_each)
            owner.kill()
        (ledger,) = abandoned()
        assert str(ledger.path) == path
        assert standing(ledger) == created
        assert remove_all(ledger) == [f"{kind} {name}" for kind, name in created]
        assert Path("/dev/shm", bystander.name[1:]).exists()
    finally:
        posix_ipc.unlink_shared_memory(bystander.name)
    assert abandoned() == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if " " in kind])
def test_an_object_that_another_process_removes_at_the_same_moment_is_gone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cleanup process and the next command may clean up at once; no ledger may stay."""
    sysv = kind.startswith("sysv")
    name = str(fresh_key()) if sysv else "/" + fresh_name()
    ledger = Ledger.open_new(os.getpid())
    ledger.write({"kind": kind, "name": name, "at": 0.0})
    with monkeypatch.context() as patch:  # both have found it, and the other one was quicker
        patch.setattr(removal, "_check_creator", lambda *found: None)
        patch.setattr(removal, "_check_owner", lambda *found: None)
        patch.setattr(Path, "lstat", lambda self: os.stat("/"))
        assert remove_all(ledger) == []
    assert not ledger.path.exists()


def test_the_ledger_of_a_living_owner_is_not_abandoned() -> None:
    with Actor(lambda: None) as owner:
        path = owner.do(announce_only)
        assert abandoned() == []
        assert Ledger(Path(path)).owner_alive()
        owner.kill()
        assert [str(ledger.path) for ledger in abandoned()] == [path]
    remove_all(Ledger(Path(path)))


def test_a_zombie_owner_is_dead() -> None:
    with Actor(lambda: None) as owner:
        owner.do(announce_only)
        os.kill(owner.pid, signal.SIGKILL)
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        (ledger,) = abandoned()
        owner.kill()
    remove_all(ledger)


def test_a_reused_pid_is_not_the_owner() -> None:
    ledger = Ledger.open_new(os.getpid())
    assert ledger.owner_alive()
    start = process_start(os.getpid())
    assert start is not None
    ledger.path.write_text(json.dumps({"owner": os.getpid(), "start": start - 1}))
    assert not ledger.owner_alive()


def test_an_object_that_was_never_created_is_no_error() -> None:
    with Actor(lambda: None) as owner:
        owner.do(announce_only)
        owner.kill()
    (ledger,) = abandoned()
    assert remove_all(ledger) == []
    assert not ledger.path.exists()


def test_withdrawn_objects_do_not_stand() -> None:
    kept, gone = fresh_name(), fresh_name()
    announce("file", gone)
    announce("file", kept)
    withdraw("file", gone)
    assert standing(current()) == [("file", kept)]


def test_an_unknown_kind_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        announce("sysv teapot", "1")


def test_a_torn_line_spoils_no_other(private: Path) -> None:
    first, last = private / fresh_name(), private / fresh_name()
    ledger = ledger_with(line("file", str(first)), b'{"kind": "file", "na')
    ledger.write({"kind": "file", "name": str(last)})
    assert standing(ledger) == [("file", str(first)), ("file", str(last))]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00 no text\n",
        b"[1, 2]\n",
        b"null\n",
        b"[" * 100_000 + b"\n",
        b'{"kind": ["file"], "name": {}}\n',
        b'{"gone": {}, "name": 1}\n',
        b'{"kind": "file"}\n',
        b'{"kind": "file", "name": "a\\u0000b"}\n',
        b'{"kind": "sysv queue", "name": "0"}\n',
        b'{"kind": "sysv queue", "name": "4294967297"}\n',
        b'{"kind": "sysv queue", "name": "\xc2\xb2"}\n',
        b'{"kind": "sysv queue", "name": "many"}\n',
        b'{"kind": "no such kind", "name": "x"}\n',
        b"",
    ],
    ids=lambda garbage: repr(garbage[:24]),
)
def test_garbage_is_skipped(private: Path, garbage: bytes) -> None:
    after = private / fresh_name()
    after.touch()
    ledger = ledger_with(garbage, line("file", str(after)))
    assert remove_all(ledger) == [f"file {after}"]
    assert not ledger.path.exists()


@pytest.mark.parametrize("first", [b"", b"\xff\n", b'{"owner": "me", "start": 1}\n', b"{}\n"])
def test_a_ledger_without_an_owner_is_abandoned(private: Path, first: bytes) -> None:
    path = private / "0123456789abcdef.ledger"
    path.write_bytes(first)
    (ledger,) = abandoned()
    assert remove_all(ledger) == []
    assert not path.exists()


def test_foreign_names_are_never_removed(private: Path) -> None:
    """Only objects of names that `fresh_name` could have made are removed."""
    precious = private / "precious"
    precious.mkdir()
    (precious / "file").touch()
    ledger = ledger_with(
        line("folder", str(precious)),
        line("folder", str(private)),
        line("file", str(precious / "file")),
        line("posix memory", "/precious"),
    )
    assert standing(ledger) == []
    assert remove_all(ledger) == []
    assert (precious / "file").exists()


def test_an_object_that_stays_does_not_prevent_the_removal_of_others(private: Path) -> None:
    stubborn, other = private / fresh_name(), private / fresh_name()
    stubborn.mkdir()  # unlink(2) refuses a folder
    other.touch()
    ledger = ledger_with(line("file", str(stubborn)), line("file", str(other)))
    assert remove_all(ledger) == [f"file {other}"]
    assert standing(ledger) == [("file", str(stubborn))]
    assert ledger.path.exists()


def test_a_process_tree_shares_one_ledger() -> None:
    mine = current()
    with Actor(lambda: None) as child:
        assert child.do(announce_only) == str(mine.path)
    assert len(standing(mine)) == 1


@pytest.mark.parametrize("nameless", [True, False])
def test_a_ledger_is_never_seen_without_its_owner(
    nameless: bool, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file has no name before it is whole; or another one, where that cannot be."""
    if not nameless:
        monkeypatch.setattr(os, "O_TMPFILE", os.O_RDWR)  # open(2) refuses it for a folder
    seen: list[tuple[list[Ledger], list[str]]] = []
    write = os.write

    def spying(fd: int, data: bytes) -> int:
        seen.append((abandoned(), [Path(name).suffix for name in os.listdir(private)]))
        return write(fd, data)

    monkeypatch.setattr(os, "write", spying)
    ledger = Ledger.open_new(os.getpid())
    assert seen == [([], [] if nameless else [".new"])]
    assert os.listdir(private) == [ledger.path.name]
    assert ledger.owner() is Owner.ALIVE
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_prevents_an_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    current()
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(Unavailable, match="No space left"):
        announce("file", fresh_name())


def test_a_full_disk_keeps_no_ledger_of_removed_objects(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = private / fresh_name(), private / fresh_name()
    there.touch()
    ledger = ledger_with(line("file", str(gone)), line("file", str(there)))

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert remove_all(ledger) == [f"file {there}"]
    assert not ledger.path.exists()


def test_a_full_disk_leaves_no_half_made_ledger(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda fd, data: 3)
    with pytest.raises(OSError, match=str(private)):
        Ledger.open_new(os.getpid())
    assert list(private.iterdir()) == []


def test_names_are_private_and_differ() -> None:
    found = {fresh_name() for _ in range(100)}
    keys = {fresh_key() for _ in range(100)}
    assert len(found) == len(keys) == 100
    assert all(name.startswith(PREFIX) and len(name) == 25 for name in found)
    assert all(0 < key < 2**31 for key in keys)


def test_folders_are_private_and_removed() -> None:
    folder = fresh_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert standing(current()) == [("folder", str(folder))]
    remove_folder(folder)
    remove_folder(folder)
    assert standing(current()) == []


def test_home_is_private(private: Path) -> None:
    assert private.stat().st_mode & 0o777 == 0o700
    assert current().path.stat().st_mode & 0o777 == 0o600


def test_home_that_others_may_enter_is_refused(private: Path) -> None:
    private.chmod(0o750)
    with pytest.raises(PermissionError, match=str(private)):
        home()


def test_home_of_another_user_is_refused(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    (private.parent / f"{PREFIX}4321").mkdir(mode=0o700)
    with pytest.raises(PermissionError):
        home()
    monkeypatch.undo()


@pytest.mark.parametrize("how", ["link", "file"])
def test_home_that_is_no_folder_is_refused(private: Path, how: str) -> None:
    private.rmdir()
    if how == "link":
        elsewhere = private.parent / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        private.symlink_to(elsewhere)
    else:
        private.touch(mode=0o600)
    with pytest.raises(PermissionError):
        home()
