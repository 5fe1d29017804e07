"""The ledger: what is announced is found and removed, and nothing else ever is."""

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
from ipcbench.transports.kernel_objects import names as naming
from ipcbench.transports.kernel_objects import removal
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.leaks import left_since, snapshot


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own for each test, which leaves no kernel object."""
    before = snapshot()
    with monkeypatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        patch.delenv(naming.LEDGER_VARIABLE, raising=False)
        yield naming.home()
    assert left_since(before) == []


def ledger_with(*lines: bytes) -> naming.Ledger:
    ledger = naming.Ledger.open_new(os.getpid())
    with ledger.path.open("ab") as out:
        out.write(b"".join(lines))
    return ledger


def line(kind: str, name: str) -> bytes:
    return json.dumps({"kind": kind, "name": name}).encode() + b"\n"


# What an owner does in a process of its own before it is killed.


def create_one_of_each(_: object) -> tuple[str, list[tuple[str, str]]]:
    memory, semaphore = "/" + naming.fresh_name(), "/" + naming.fresh_name()
    key = naming.fresh_key()
    naming.announce("posix memory", memory)
    os.close(posix_ipc.SharedMemory(memory, posix_ipc.O_CREX, 0o600, size=1).fd)
    naming.announce("posix semaphore", semaphore)
    posix_ipc.Semaphore(semaphore, posix_ipc.O_CREX, 0o600).close()
    naming.announce("sysv queue", str(key))
    sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
    folder = naming.fresh_folder()
    (folder / "socket").touch()
    file = naming.home() / naming.fresh_name()
    naming.announce("file", str(file))
    file.touch()
    names = [
        ("posix memory", memory),
        ("posix semaphore", semaphore),
        ("sysv queue", str(key)),
        ("folder", str(folder)),
        ("file", str(file)),
    ]
    return str(naming.current().path), names


def announce_only(_: object) -> str:
    naming.announce("posix memory", "/" + naming.fresh_name())
    return str(naming.current().path)


def test_a_killed_owner_is_found_and_all_of_its_objects_are_removed() -> None:
    bystander = posix_ipc.SharedMemory("/" + naming.fresh_name(), posix_ipc.O_CREX, size=1)
    os.close(bystander.fd)
    try:
        with Actor(lambda: None) as owner:
            path, created = owner.do(create_one_of_each)
            owner.kill()
        (ledger,) = naming.abandoned()
        assert str(ledger.path) == path
        assert naming.standing(ledger) == created
        assert naming.remove_all(ledger) == [f"{kind} {name}" for kind, name in created]
        assert Path("/dev/shm", bystander.name[1:]).exists()
    finally:
        posix_ipc.unlink_shared_memory(bystander.name)
    assert naming.abandoned() == []


@pytest.mark.parametrize("kind", [kind for kind in naming.KINDS if " " in kind])
def test_what_another_one_removes_at_the_same_moment_is_gone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guardian and the next command may clean up at once; no ledger of it may stay."""
    sysv = kind.startswith("sysv")
    name = str(naming.fresh_key()) if sysv else "/" + naming.fresh_name()
    ledger = naming.Ledger.open_new(os.getpid())
    ledger.write({"kind": kind, "name": name, "at": 0.0})
    with monkeypatch.context() as patch:  # both have looked, and found it; the other was quicker
        patch.setattr(removal, "_made_by_us", lambda *found: None)
        patch.setattr(removal, "_mine", lambda *found: None)
        patch.setattr(Path, "lstat", lambda self: os.stat("/"))
        assert naming.remove_all(ledger) == []
    assert not ledger.path.exists()


def test_a_living_owner_is_left_alone() -> None:
    with Actor(lambda: None) as owner:
        path = owner.do(announce_only)
        assert naming.abandoned() == []
        assert naming.Ledger(Path(path)).owner_alive()
        owner.kill()
        assert [str(ledger.path) for ledger in naming.abandoned()] == [path]
    naming.remove_all(naming.Ledger(Path(path)))


def test_an_owner_nobody_has_waited_for_is_dead() -> None:
    with Actor(lambda: None) as owner:
        owner.do(announce_only)
        os.kill(owner.pid, signal.SIGKILL)
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        (ledger,) = naming.abandoned()
        owner.kill()
    naming.remove_all(ledger)


def test_a_pid_used_again_is_not_the_owner() -> None:
    ledger = naming.Ledger.open_new(os.getpid())
    assert ledger.owner_alive()
    start = naming.process_start(os.getpid())
    assert start is not None
    ledger.path.write_text(json.dumps({"owner": os.getpid(), "start": start - 1}))
    assert not ledger.owner_alive()


def test_what_was_announced_and_never_created_is_no_trouble() -> None:
    with Actor(lambda: None) as owner:
        owner.do(announce_only)
        owner.kill()
    (ledger,) = naming.abandoned()
    assert naming.remove_all(ledger) == []
    assert not ledger.path.exists()


def test_withdrawn_objects_do_not_stand() -> None:
    kept, gone = naming.fresh_name(), naming.fresh_name()
    naming.announce("file", gone)
    naming.announce("file", kept)
    naming.withdraw("file", gone)
    assert naming.standing(naming.current()) == [("file", kept)]


def test_an_unknown_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        naming.announce("sysv teapot", "1")


def test_a_torn_line_spoils_no_other(home: Path) -> None:
    first, last = home / naming.fresh_name(), home / naming.fresh_name()
    ledger = ledger_with(line("file", str(first)), b'{"kind": "file", "na')
    ledger.write({"kind": "file", "name": str(last)})
    assert naming.standing(ledger) == [("file", str(first)), ("file", str(last))]


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
def test_garbage_is_passed_over(home: Path, garbage: bytes) -> None:
    after = home / naming.fresh_name()
    after.touch()
    ledger = ledger_with(garbage, line("file", str(after)))
    assert naming.remove_all(ledger) == [f"file {after}"]
    assert not ledger.path.exists()


@pytest.mark.parametrize("first", [b"", b"\xff\n", b'{"owner": "me", "start": 1}\n', b"{}\n"])
def test_a_ledger_without_an_owner_is_abandoned(home: Path, first: bytes) -> None:
    path = home / "0123456789abcdef.ledger"
    path.write_bytes(first)
    (ledger,) = naming.abandoned()
    assert naming.remove_all(ledger) == []
    assert not path.exists()


def test_foreign_names_are_never_removed(home: Path) -> None:
    """Only what `fresh_name` could have made is removed, whatever a ledger says."""
    precious = home / "precious"
    precious.mkdir()
    (precious / "file").touch()
    ledger = ledger_with(
        line("folder", str(precious)),
        line("folder", str(home)),
        line("file", str(precious / "file")),
        line("posix memory", "/precious"),
    )
    assert naming.standing(ledger) == []
    assert naming.remove_all(ledger) == []
    assert (precious / "file").exists()


def test_one_stubborn_object_keeps_no_other_from_going(home: Path) -> None:
    stubborn, other = home / naming.fresh_name(), home / naming.fresh_name()
    stubborn.mkdir()  # unlink(2) refuses a folder
    other.touch()
    ledger = ledger_with(line("file", str(stubborn)), line("file", str(other)))
    assert naming.remove_all(ledger) == [f"file {other}"]
    assert naming.standing(ledger) == [("file", str(stubborn))]
    assert ledger.path.exists()


def test_a_process_tree_shares_one_ledger() -> None:
    mine = naming.current()
    with Actor(lambda: None) as child:
        assert child.do(announce_only) == str(mine.path)
    assert len(naming.standing(mine)) == 1


def test_a_ledger_is_never_seen_without_its_owner(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[naming.Ledger]] = []
    write = naming.Ledger.write

    def spying(ledger: naming.Ledger, entry: dict[str, object]) -> None:
        seen.append(naming.abandoned())
        write(ledger, entry)

    monkeypatch.setattr(naming.Ledger, "write", spying)
    naming.Ledger.open_new(os.getpid())
    assert seen == [[]]


def test_a_full_disk_is_no_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    naming.current()
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(Unavailable, match="No space left"):
        naming.announce("file", naming.fresh_name())


def test_a_full_disk_keeps_no_ledger_of_what_is_gone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = home / naming.fresh_name(), home / naming.fresh_name()
    there.touch()
    ledger = ledger_with(line("file", str(gone)), line("file", str(there)))

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert naming.remove_all(ledger) == [f"file {there}"]
    assert not ledger.path.exists()


def test_a_full_disk_leaves_no_half_made_ledger(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda fd, data: 3)
    with pytest.raises(OSError, match=str(home)):
        naming.Ledger.open_new(os.getpid())
    assert list(home.iterdir()) == []


def test_names_are_private_and_differ() -> None:
    names = {naming.fresh_name() for _ in range(100)}
    keys = {naming.fresh_key() for _ in range(100)}
    assert len(names) == len(keys) == 100
    assert all(name.startswith(naming.PREFIX) and len(name) == 25 for name in names)
    assert all(0 < key < 2**31 for key in keys)


def test_folders_are_private_and_go() -> None:
    folder = naming.fresh_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert naming.standing(naming.current()) == [("folder", str(folder))]
    naming.remove_folder(folder)
    naming.remove_folder(folder)
    assert naming.standing(naming.current()) == []


def test_home_is_private(home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    assert naming.current().path.stat().st_mode & 0o777 == 0o600


def test_home_that_others_may_enter_is_refused(home: Path) -> None:
    home.chmod(0o750)
    with pytest.raises(PermissionError, match=str(home)):
        naming.home()


def test_home_of_somebody_else_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    (home.parent / f"{naming.PREFIX}4321").mkdir(mode=0o700)
    with pytest.raises(PermissionError):
        naming.home()
    monkeypatch.undo()


@pytest.mark.parametrize("how", ["link", "file"])
def test_home_that_is_no_folder_is_refused(home: Path, how: str) -> None:
    home.rmdir()
    if how == "link":
        elsewhere = home.parent / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        home.symlink_to(elsewhere)
    else:
        home.touch(mode=0o600)
    with pytest.raises(PermissionError):
        naming.home()
