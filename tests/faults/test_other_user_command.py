"""Another user of the machine and the command's folders, ledgers, lock and results."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc

from ipcbench.bench.machine import lock
from ipcbench.bench.machine.guardian import clean_up
from ipcbench.bench.machine.lock import SweepInProgress, SweepLock
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent
from ipcbench.bench.sweep.run_folder import point_to
from ipcbench.transports.kernel_objects import fresh_key, fresh_name
from ipcbench.transports.kernel_objects.ledger import (
    KINDS,
    LEDGER_VARIABLE,
    Ledger,
    current,
    process_start,
    remove_all,
)
from ipcbench.transports.kernel_objects.ownership import check_way
from ipcbench.transports.testing.actors import Actor
from tests.e2e.command import ipcbench
from tests.faults.other_user import OTHER_UID, as_root, attempts, other_user, perform

pytestmark = as_root

__all__ = ["other_user"]

SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "-t", "pipe", "--pattern", "latency")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder like /tmp: writable for all, with the sticky bit."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="ipcb-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def refused(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a command that must refuse; return its only line."""
    done = ipcbench(*arguments, cwd=cwd, **environment)
    assert (done.returncode, done.stdout) == (3, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# The home.


def test_a_home_that_another_user_made(other_user: Actor, shared: Path) -> None:
    home = shared / f"ipcbench-{os.getuid()}"
    other_user.do(perform, os.mkdir, str(home), 0o777)
    in_shared = {"XDG_RUNTIME_DIR": "", "TMPDIR": str(shared)}
    for command in ((*SWEEP, "-o", shared / "run"), ("clean",)):
        message = refused(*command, **in_shared)
        assert f"belongs to user {OTHER_UID}: remove it, or set XDG_RUNTIME_DIR" in message
    assert not (shared / "run").exists()
    listed = {
        one["name"]: one for one in json.loads(ipcbench("list", "--json", **in_shared).stdout)
    }
    assert listed["pipe"]["available"]
    assert "remove it, or set XDG_RUNTIME_DIR" in listed["fifo"]["reason"]
    assert "Error" not in listed["fifo"]["reason"]


def test_a_link_for_a_home(other_user: Actor, shared: Path, tmp_path: Path) -> None:
    home = shared / f"ipcbench-{os.getuid()}"
    other_user.do(perform, os.symlink, str(tmp_path), str(home))
    message = refused("clean", XDG_RUNTIME_DIR="", TMPDIR=str(shared))
    assert "is not a folder of ours alone" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_temporary_folder_without_the_sticky_bit(shared: Path, mode: int) -> None:
    """Every user with write access could replace the home by another folder."""
    shared.chmod(mode)
    message = refused("clean", XDG_RUNTIME_DIR="", TMPDIR=str(shared))
    assert f"others may write to {shared}" in message
    assert f"chmod +t {shared}" in message


def test_a_temporary_folder_of_another_user(other_user: Actor, shared: Path) -> None:
    foreign = shared / "foreign"
    other_user.do(perform, os.mkdir, str(foreign), 0o755)
    message = refused("clean", XDG_RUNTIME_DIR=str(foreign))
    assert f"{foreign} belongs to user {OTHER_UID}" in message
    assert "XDG_RUNTIME_DIR" in message


def test_an_inherited_ledger_of_another_user(
    other_user: Actor, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """su(1) keeps the environment: the other user's file is neither written nor read."""
    ledger = shared / "foreign.ledger"
    other_user.do(perform, Path.touch, ledger)
    monkeypatch.setenv(LEDGER_VARIABLE, str(ledger))
    with pytest.raises(PermissionError, match=f"belongs to user {OTHER_UID}"):
        Ledger(ledger).write({"kind": "file"})
    with pytest.raises(PermissionError, match=f"belongs to user {OTHER_UID}"):
        list(Ledger(ledger).entries())
    mine = current()
    assert mine.path != ledger
    mine.discard()


# Cleaning up as root.


def make_all(shared: Path) -> list[tuple[str, str]]:
    """Create objects of each kind, as a run has them; a ledger of root could name them wrongly."""
    file, folder = shared / fresh_name(), shared / fresh_name()
    file.touch()
    folder.mkdir()
    name = "/" + fresh_name()
    os.close(posix_ipc.SharedMemory(name, posix_ipc.O_CREX, 0o600, size=1).fd)
    posix_ipc.Semaphore(name, posix_ipc.O_CREX, 0o600).close()
    posix_ipc.MessageQueue(name, posix_ipc.O_CREX, 0o600).close()
    key = fresh_key()
    sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
    sysv_ipc.Semaphore(key, sysv_ipc.IPC_CREX, 0o600)
    sysv_ipc.SharedMemory(key, sysv_ipc.IPC_CREX, 0o600, 8).detach()
    return [
        ("file", str(file)),
        ("folder", str(folder)),
        ("posix memory", name),
        ("posix semaphore", name),
        ("posix queue", name),
        ("sysv queue", str(key)),
        ("sysv semaphore", str(key)),
        ("sysv memory", str(key)),
    ]


def remove(things: list[tuple[str, str]]) -> list[str]:
    """Remove the objects as their owner; return the kinds removed."""
    removed = []
    for kind, name in things:
        KINDS[kind].remove(name)
        removed.append(kind)
    return removed


def ledger_naming(things: list[tuple[str, str]], at: float) -> Ledger:
    ledger = Ledger.open_new(1)
    for kind, name in things:
        ledger.write({"kind": kind, "name": name, "at": at})
    return ledger


def test_root_removes_no_object_of_another_user(other_user: Actor, shared: Path) -> None:
    now = time.time()
    things = other_user.do(perform, make_all, shared)
    assert remove_all(ledger_naming(things, now)) == []
    assert other_user.do(perform, remove, things) == [kind for kind, _ in things]


def test_root_removes_no_object_of_another_program(shared: Path) -> None:
    """Another program of root may have a key that a ledger names: its creation time differs."""
    now = time.time()
    made = make_all(shared)
    things = [one for one in made if one[0].startswith("sysv")]
    for at in (now - 1000, now + 1000):
        assert remove_all(ledger_naming(things, at)) == []
    assert len(remove_all(ledger_naming(made, now))) == len(made)


def test_a_session_id_that_another_program_has_now(shared: Path) -> None:
    """The leader is dead, so the id may be reused: only processes with the ledger are killed."""
    script = "import os, time\nif os.fork(): os._exit(0)\nprint(os.getpid(), flush=True)\n" + (
        "time.sleep(60)"
    )

    def leaderless(**environment: str) -> tuple[int, subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        assert process.stdout is not None
        member = int(process.stdout.readline())
        process.wait()
        return member, process

    ledger = Ledger.open_new(1)
    other, other_leader = leaderless()
    mine, our_leader = leaderless(**{LEDGER_VARIABLE: str(ledger.path)})
    for leader in (other_leader, our_leader):
        ledger.write({"session": leader.pid, "start": 1})
    clean_up(ledger)
    assert process_start(mine) is None
    assert process_start(other) is not None
    os.kill(other, 9)
    for leader in (other_leader, our_leader):
        assert leader.stdout is not None
        leader.stdout.close()


# The lock.

_held: list[socket.socket] = []


def hold(name: str, listening: bool) -> int:
    held = socket.socket(socket.AF_UNIX)
    held.bind(name)
    if listening:
        held.listen()
    _held.append(held)
    return os.getpid()


@pytest.mark.parametrize("listening", [True, False])
def test_another_user_holds_the_sweep_lock(
    other_user: Actor, listening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"\0ipcbench-test-{fresh_name()}"
    monkeypatch.setattr(lock, "NAME", name)
    pid = other_user.do(perform, hold, name, listening)
    with pytest.raises(SweepInProgress) as caught:
        SweepLock().acquire()
    assert f"(process {pid} of user {OTHER_UID})" in str(caught.value)
    assert "have it stopped, by that user or by root" in str(caught.value)


def refusal_of_lock(name: str) -> str:
    lock.NAME = name
    try:
        SweepLock().acquire()
    except SweepInProgress as busy:
        return str(busy)
    return ""


def test_another_user_sees_the_holder_of_the_lock(
    other_user: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"\0ipcbench-test-{fresh_name()}"
    monkeypatch.setattr(lock, "NAME", name)
    mine = SweepLock()
    mine.acquire()
    assert f"(process {os.getpid()} of user root)" in other_user.do(perform, refusal_of_lock, name)
    mine.release()
    with socket.socket(
        socket.AF_UNIX
    ) as silent:  # a socket that does not listen: its owner is not visible
        silent.bind(name)
        assert "root can find it with ss -xap" in other_user.do(perform, refusal_of_lock, name)


# Results.


def test_results_that_another_user_made(other_user: Actor, shared: Path) -> None:
    other_user.do(perform, os.mkdir, str(shared / "results"), 0o777)
    message = refused(*SWEEP, cwd=shared)
    assert "belongs to user" in message or "others may write" in message
    assert list((shared / "results").rglob("journal.jsonl")) == []
    assert "take another folder" in message


def test_a_link_to_results(other_user: Actor, shared: Path, tmp_path: Path) -> None:
    other_user.do(perform, os.symlink, str(tmp_path), str(shared / "results"))
    message = refused(*SWEEP, cwd=shared)
    assert f"{shared / 'results'} belongs to user {OTHER_UID}" in message
    assert list(tmp_path.rglob("journal.jsonl")) == []


def test_an_output_folder_of_another_user(other_user: Actor, shared: Path) -> None:
    other_user.do(perform, os.mkdir, str(shared / "run"), 0o755)
    message = refused(*SWEEP, "-o", shared / "run")
    assert f"{shared / 'run'} belongs to user {OTHER_UID}, and all users may write to" in message


def test_a_link_that_another_user_cannot_replace(other_user: Actor, shared: Path) -> None:
    """The sticky bit protects the link `latest`, and the attempt leaves no file behind."""
    (shared / "latest").symlink_to("mine")
    other_user.do(perform, point_to, shared / "latest", "theirs", Silent())
    assert [(one.name, os.readlink(one)) for one in shared.iterdir()] == [("latest", "mine")]


def test_a_failing_link_does_not_fail_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(link: Path, target: str, target_is_directory: bool = False) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "XDG_RUNTIME_DIR", str(tmp_path)
    )  # so that its ledger is removed with the folder
    monkeypatch.delenv(LEDGER_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    options = Options(transports=("pipe",), patterns=("latency",), sizes=("64",))
    notes: list[str] = []
    monkeypatch.setattr(Silent, "note", lambda self, message: notes.append(message))
    order = sweep.Order(load_profile("smoke"), ["ipcbench"], clock="fake", options=options)
    folder = sweep.new(order, Silent())
    assert load(folder).ended is not None
    assert notes == ["results/latest cannot be updated: Operation not permitted"]


@pytest.fixture(scope="module")
def run() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        done = ipcbench(*SWEEP, "-t", "fifo", "-o", Path(folder, "run"))  # two cells have a chart
        assert done.returncode == 0, done.stderr
        yield Path(folder, "run")


@pytest.fixture
def mine(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_a_link_out_of_a_run(mine: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(mine / "figures")
    (mine / "figures").symlink_to(outside)
    message = refused("report", mine)
    assert f"{mine / 'figures'}: a link, which may lead anywhere: remove it" in message
    assert list(outside.iterdir()) == []


def test_a_journal_that_is_a_link(mine: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (mine / "journal.jsonl").rename(other)
    other.write_bytes(other.read_bytes() + b"torn")
    (mine / "journal.jsonl").symlink_to(other)
    with pytest.raises(PermissionError, match="is a symbolic link"):
        Journal.resume(mine)
    assert other.read_bytes().endswith(b"torn")


def test_output_is_writable_for_its_owner_alone(tmp_path: Path) -> None:
    """The umask allows all rights."""
    before = os.umask(0)
    try:
        folder = tmp_path / "results" / "run"
        assert ipcbench(*SWEEP, "-o", folder).returncode == 0
    finally:
        os.umask(before)
    for path in (folder.parent, folder, *folder.rglob("*")):
        assert path.lstat().st_mode & 0o022 == 0, path
    assert (folder / "journal.jsonl").stat().st_mode & 0o777 == 0o600


def look(folder: Path) -> str:
    return (folder / "journal.jsonl").read_text()


def test_another_user_cannot_read_the_journal(other_user: Actor, run: Path) -> None:
    run.parent.chmod(0o755)
    assert other_user.do(attempts, [("read the journal", look, (run,))]) == []


# The current folder.


def test_modules_of_another_user_in_the_current_folder(other_user: Actor, shared: Path) -> None:
    for name in (
        "click",
        "json",
        "pathlib",
        "contextlib",
        "transports",
        "bench",
        "pyperf",
        "matplotlib",
    ):
        other_user.do(perform, plant, shared / f"{name}.py")
    done = ipcbench("list", "--json", cwd=shared)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert not (shared / "imported").exists()


def plant(path: Path) -> None:
    path.write_text("open('imported', 'w'); raise SystemExit('imported')")


def test_a_matplotlibrc_in_the_current_folder(mine: Path, shared: Path) -> None:
    before = {path.name: path.read_bytes() for path in (mine / "figures").iterdir()}
    (shared / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n")
    done = ipcbench("report", mine, cwd=shared)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (mine / "figures").iterdir()} == before


# Owners and modes of all folders of a path.


def test_folders_of_another_user_in_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "theirs"
    mine = theirs / "mine"
    mine.mkdir(parents=True)
    check_way(mine)
    os.chown(theirs, OTHER_UID, OTHER_UID)
    with pytest.raises(PermissionError, match=f"{theirs} belongs to user {OTHER_UID}"):
        check_way(mine)
    check_way(mine, chosen=True)  # a folder that the user chose
    theirs.chmod(0o1777)
    check_way(mine, chosen=True)
    os.chown(mine, OTHER_UID, OTHER_UID)
    with pytest.raises(PermissionError, match=f"{mine} belongs to user {OTHER_UID}, and all users"):
        check_way(mine, chosen=True)
    monkeypatch.setenv("SUDO_UID", str(OTHER_UID))
    check_way(mine, chosen=True)  # the user that called sudo(8)
    with pytest.raises(PermissionError):
        check_way(mine)
    theirs.chmod(0o777)
    with pytest.raises(PermissionError, match=rf"chmod \+t {theirs}"):
        check_way(mine, chosen=True)
