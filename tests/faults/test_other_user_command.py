"""A second user around the command: its folders, its ledgers, its lock, its results."""

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
from ipcbench.bench.plan.profile import Options, load_profile, with_options
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent
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
from tests.faults.strangers import STRANGER, as_root, attempts, perform, stranger

pytestmark = as_root

__all__ = ["stranger"]

SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "-t", "pipe", "--pattern", "latency")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder where everybody may write, with the sticky bit, as /tmp is one."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="ipcb-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def refused(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """The one line that the command says, and nothing else."""
    done = ipcbench(*arguments, cwd=cwd, **environment)
    assert (done.returncode, done.stdout) == (3, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# Our home.


def test_a_home_that_he_made_first(stranger: Actor, shared: Path) -> None:
    home = shared / f"ipcbench-{os.getuid()}"
    stranger.do(perform, os.mkdir, str(home), 0o777)
    at_his = {"XDG_RUNTIME_DIR": "", "TMPDIR": str(shared)}
    for command in ((*SWEEP, "-o", shared / "run"), ("clean",)):
        said = refused(*command, **at_his)
        assert f"belongs to user {STRANGER}: remove it, or set XDG_RUNTIME_DIR" in said
    assert not (shared / "run").exists()
    listed = {one["name"]: one for one in json.loads(ipcbench("list", "--json", **at_his).stdout)}
    assert listed["pipe"]["available"]
    assert "remove it, or set XDG_RUNTIME_DIR" in listed["fifo"]["reason"]
    assert "Error" not in listed["fifo"]["reason"]


def test_a_link_for_a_home(stranger: Actor, shared: Path, tmp_path: Path) -> None:
    home = shared / f"ipcbench-{os.getuid()}"
    stranger.do(perform, os.symlink, str(tmp_path), str(home))
    said = refused("clean", XDG_RUNTIME_DIR="", TMPDIR=str(shared))
    assert "is not a folder of ours alone" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_temporary_folder_without_the_sticky_bit(shared: Path, mode: int) -> None:
    """Whoever may write to it could put another folder in the place of ours."""
    shared.chmod(mode)
    said = refused("clean", XDG_RUNTIME_DIR="", TMPDIR=str(shared))
    assert f"others may write to {shared}" in said
    assert f"chmod +t {shared}" in said


def test_a_temporary_folder_of_his(stranger: Actor, shared: Path) -> None:
    his = shared / "his"
    stranger.do(perform, os.mkdir, str(his), 0o755)
    said = refused("clean", XDG_RUNTIME_DIR=str(his))
    assert f"{his} belongs to user {STRANGER}" in said
    assert "XDG_RUNTIME_DIR" in said


def test_an_inherited_ledger_of_his(
    stranger: Actor, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """su(1) keeps the environment: nothing is written to, or believed of, his file."""
    ledger = shared / "his.ledger"
    stranger.do(perform, Path.touch, ledger)
    monkeypatch.setenv(LEDGER_VARIABLE, str(ledger))
    with pytest.raises(PermissionError, match=f"belongs to user {STRANGER}"):
        Ledger(ledger).write({"kind": "file"})
    with pytest.raises(PermissionError, match=f"belongs to user {STRANGER}"):
        list(Ledger(ledger).entries())
    mine = current()
    assert mine.path != ledger
    mine.discard()


# Cleaning up as root.


def make_all(shared: Path) -> list[tuple[str, str]]:
    """What a run of his would have, and a ledger of root's could wrongly name."""
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
    """He may: what there was."""
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


def test_root_removes_nothing_of_his(stranger: Actor, shared: Path) -> None:
    now = time.time()
    things = stranger.do(perform, make_all, shared)
    assert remove_all(ledger_naming(things, now)) == []
    assert stranger.do(perform, remove, things) == [kind for kind, _ in things]


def test_root_removes_nothing_of_another_program_s(shared: Path) -> None:
    """Root's own programs may have a key that a ledger names: it was made at another time."""
    now = time.time()
    made = make_all(shared)
    things = [one for one in made if one[0].startswith("sysv")]
    for at in (now - 1000, now + 1000):
        assert remove_all(ledger_naming(things, at)) == []
    assert len(remove_all(ledger_naming(made, now))) == len(made)


def test_a_session_that_another_program_has_now(shared: Path) -> None:
    """Its leader is dead, and its number says nothing: only who has our ledger is killed."""
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
    ours, our_leader = leaderless(**{LEDGER_VARIABLE: str(ledger.path)})
    for leader in (other_leader, our_leader):
        ledger.write({"session": leader.pid, "start": 1})
    clean_up(ledger)
    assert process_start(ours) is None
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
def test_the_sweep_s_name_taken(
    stranger: Actor, listening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"\0ipcbench-test-{fresh_name()}"
    monkeypatch.setattr(lock, "NAME", name)
    pid = stranger.do(perform, hold, name, listening)
    with pytest.raises(SweepInProgress) as caught:
        SweepLock().acquire()
    assert f"(process {pid} of user {STRANGER})" in str(caught.value)
    assert "have it stopped, by that user or by root" in str(caught.value)


def who_has(name: str) -> str:
    lock.NAME = name
    try:
        SweepLock().acquire()
    except SweepInProgress as busy:
        return str(busy)
    return ""


def test_he_is_told_of_ours(stranger: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"\0ipcbench-test-{fresh_name()}"
    monkeypatch.setattr(lock, "NAME", name)
    mine = SweepLock()
    mine.acquire()
    assert f"(process {os.getpid()} of user root)" in stranger.do(perform, who_has, name)
    mine.release()
    with socket.socket(socket.AF_UNIX) as silent:  # and nobody lets him see whose it is
        silent.bind(name)
        assert "root finds it with ss -xap" in stranger.do(perform, who_has, name)


# Results.


def test_results_that_he_made_first(stranger: Actor, shared: Path) -> None:
    stranger.do(perform, os.mkdir, str(shared / "results"), 0o777)
    said = refused(*SWEEP, cwd=shared)
    assert "belongs to user" in said or "others may write" in said
    assert list((shared / "results").rglob("journal.jsonl")) == []
    assert "take another folder" in said


def test_a_link_to_results(stranger: Actor, shared: Path, tmp_path: Path) -> None:
    stranger.do(perform, os.symlink, str(tmp_path), str(shared / "results"))
    said = refused(*SWEEP, cwd=shared)
    assert f"{shared / 'results'} belongs to user {STRANGER}" in said
    assert list(tmp_path.rglob("journal.jsonl")) == []


def test_an_output_folder_of_his(stranger: Actor, shared: Path) -> None:
    stranger.do(perform, os.mkdir, str(shared / "run"), 0o755)
    said = refused(*SWEEP, "-o", shared / "run")
    assert f"{shared / 'run'} belongs to user {STRANGER}, and everybody may write to" in said


def test_the_newest_that_he_says(stranger: Actor, shared: Path) -> None:
    """Where everybody may write, nobody replaces another's link; nothing is left of the try."""
    (shared / "latest").symlink_to("ours")
    stranger.do(perform, sweep._point, shared / "latest", "his", Silent())
    assert [(one.name, os.readlink(one)) for one in shared.iterdir()] == [("latest", "ours")]


def test_a_sweep_is_not_lost_for_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(link: Path, target: str, target_is_directory: bool = False) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # its ledger goes with it
    monkeypatch.delenv(LEDGER_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    options = Options(transports=("pipe",), patterns=("latency",), sizes=("64",))
    profile = with_options(load_profile("smoke"), options)
    notes: list[str] = []
    monkeypatch.setattr(Silent, "note", lambda self, message: notes.append(message))
    folder = sweep.new(sweep.Order(profile, ["ipcbench"], clock="fake"), Silent())
    assert load(folder).ended is not None
    assert notes == ["results/latest does not lead here: Operation not permitted"]


@pytest.fixture(scope="module")
def run() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        done = ipcbench(*SWEEP, "-o", Path(folder, "run"))
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
    said = refused("report", mine)
    assert f"{mine / 'figures'}: a link, which may lead anywhere: remove it" in said
    assert list(outside.iterdir()) == []


def test_a_journal_that_is_a_link(mine: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (mine / "journal.jsonl").rename(other)
    other.write_bytes(other.read_bytes() + b"torn")
    (mine / "journal.jsonl").symlink_to(other)
    with pytest.raises(PermissionError, match="is a symbolic link"):
        Journal.resume(mine)
    assert other.read_bytes().endswith(b"torn")


def test_what_is_written_nobody_else_may_write(tmp_path: Path) -> None:
    """Whatever the umask says."""
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


def test_he_reads_no_journal(stranger: Actor, run: Path) -> None:
    run.parent.chmod(0o755)
    assert stranger.do(attempts, [("read the journal", look, (run,))]) == []


# The current folder.


def test_modules_that_he_put_into_the_current_folder(stranger: Actor, shared: Path) -> None:
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
        stranger.do(perform, plant, shared / f"{name}.py")
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


# The way to a folder, step by step.


def test_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    his = tmp_path / "his"
    ours = his / "ours"
    ours.mkdir(parents=True)
    check_way(ours)
    os.chown(his, STRANGER, STRANGER)
    with pytest.raises(PermissionError, match=f"{his} belongs to user {STRANGER}"):
        check_way(ours)
    check_way(ours, chosen=True)  # as the caller wants it
    his.chmod(0o1777)
    check_way(ours, chosen=True)
    os.chown(ours, STRANGER, STRANGER)
    with pytest.raises(PermissionError, match=f"{ours} belongs to user {STRANGER}, and everybody"):
        check_way(ours, chosen=True)
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    check_way(ours, chosen=True)  # whom sudo serves
    with pytest.raises(PermissionError):
        check_way(ours)
    his.chmod(0o777)
    with pytest.raises(PermissionError, match=rf"chmod \+t {his}"):
        check_way(ours, chosen=True)
