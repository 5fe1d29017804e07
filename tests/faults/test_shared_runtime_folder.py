"""Ledgers in a folder that several PID namespaces, IPC namespaces or hosts share."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sysv_ipc

from ipcbench.bench.machine.guardian import end_sessions
from ipcbench.transports.kernel_objects import sysv_tables
from ipcbench.transports.kernel_objects.ledger import Ledger, process_start, standing
from tests.e2e.command import environment, ipcbench
from tests.faults.containers import HOLDER, IPC, PIDS, command, holder, inside

SWEEP = ("run", "--profile", "smoke", "--clock", "fake", "-t", "pipe", "--pattern", "latency")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "h"
    folder.mkdir(mode=0o700)
    return folder


def queues() -> set[str]:
    return {row.key for row in sysv_tables.rows("msg")}


def ledger_in(home: Path) -> Ledger:
    (path,) = home.rglob("*.ledger")
    return Ledger(path)


def exists(kind: str, name: str) -> bool:
    return name in queues() if kind.startswith("sysv") else Path(name).exists()


@contextmanager
def untouched(things: list[tuple[str, str]]) -> Iterator[None]:
    """Check that the objects exist before the block and after it."""
    assert all(exists(*thing) for thing in things)
    yield
    assert [thing for thing in things if not exists(*thing)] == []


def test_a_clean_up_leaves_what_runs_in_another_pid_namespace(home: Path, tmp_path: Path) -> None:
    shared = {"XDG_RUNTIME_DIR": str(home)}
    with holder(inside(*PIDS), "fifo", "sysv-queue", home=home) as (process, things):
        ledger = ledger_in(home)
        with untouched(things):
            cleaned = ipcbench("clean", **shared)
            listed = json.loads(ipcbench("clean", "--json", **shared).stdout)
            swept = ipcbench(*SWEEP, "-o", tmp_path / "run", **shared)
        assert swept.returncode == 0, swept.stderr
        assert standing(ledger) == things
        first, last = cleaned.stdout.splitlines()
        assert first.startswith(f"left {ledger.path}: process 1 belongs to another PID namespace")
        assert last == "0 objects removed"
        (left,) = listed["left"]
        assert left["ledger"] == str(ledger.path)
        assert "run ipcbench clean there" in left["remedy"]
        assert f"rm {ledger.path}, then ipcbench clean --orphans" in left["remedy"]
        findings = json.loads(ipcbench("doctor", "--json", **shared).stdout)["findings"]
        (finding,) = (one for one in findings if one["topic"] == "leftovers")
        assert str(ledger.path) in finding["text"]
        assert finding["remedy"] == left["remedy"]
        process.communicate()
    assert not list(home.rglob("*.ledger"))


def ledgers_in(home: Path, count: int, **first: object) -> list[Ledger]:
    """Write ledgers whose first entry has these values."""
    folder = home / f"ipcbench-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = []
    for _ in range(count):
        path = folder / f"{secrets.token_hex(8)}.ledger"
        path.touch(mode=0o600)
        found.append(Ledger(path))
        found[-1].write({"owner": 1, "start": 1, **first})
    return sorted(found, key=lambda ledger: ledger.path)


def leftovers(home: Path) -> list[dict[str, str]]:
    """Return doctor's findings about ledgers."""
    findings = json.loads(ipcbench("doctor", "--json", XDG_RUNTIME_DIR=str(home)).stdout)[
        "findings"
    ]
    return [finding for finding in findings if finding["topic"] == "leftovers"]


def test_doctor_names_the_first_of_many_ledgers_and_counts_the_others(home: Path) -> None:
    ledgers = ledgers_in(home, 40, host="other", boot="1", pids=1, times=1)
    *named, rest = leftovers(home)
    assert [one["text"].split(": ")[:2] for one in named] == [
        ["left alone", str(ledger.path)] for ledger in ledgers[:3]
    ]
    assert rest["text"] == "37 more ledgers are left alone"
    assert "ipcbench clean" in rest["remedy"]
    cleaned = ipcbench("clean", XDG_RUNTIME_DIR=str(home)).stdout.splitlines()
    assert sum(line.startswith("left ") for line in cleaned) == 40


def test_ledgers_of_older_versions_are_one_line(home: Path) -> None:
    """They have no origin, and a machine that is used for long collects hundreds."""
    shared = {"XDG_RUNTIME_DIR": str(home)}
    old = ledgers_in(home, 40)
    (elsewhere,) = ledgers_in(home, 1, host="other", boot="1", pids=1, times=1)
    (damaged,) = ledgers_in(home, 1, host="other", boot="")
    lines = ipcbench("clean", **shared).stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"left 40 ledgers in {old[0].path.parent}: they do not say")
    assert len(json.loads(ipcbench("clean", "--json", **shared).stdout)["left"]) == 42
    (finding,) = (one for one in leftovers(home) if "40 ledgers in" in one["text"])
    remedy = finding["remedy"]
    assert lines[0].endswith(remedy)
    remove = remedy.partition("have ended: ")[2].partition(", then ipcbench clean --orphans")[0]
    subprocess.run(["sh", "-c", remove], check=True)
    assert set(home.rglob("*.ledger")) == {elsewhere.path, damaged.path}
    left = ipcbench("clean", **shared).stdout
    assert "ledgers in" not in left
    assert f"rm {damaged.path}" in left


def test_one_ledger_of_an_older_version_is_named(home: Path) -> None:
    (old,) = ledgers_in(home, 1)
    (finding,) = leftovers(home)
    assert finding["text"].startswith(f"left alone: {old.path}: it does not say")
    assert f"rm {old.path}" in ipcbench("clean", XDG_RUNTIME_DIR=str(home)).stdout


def test_a_clean_up_in_another_pid_namespace_leaves_what_runs_here(home: Path) -> None:
    container = inside(*PIDS)
    with holder([], "fifo", "sysv-queue", home=home) as (process, things):
        with untouched(things):
            output = command(container, "clean", XDG_RUNTIME_DIR=str(home))
        assert "another PID namespace" in output
        process.communicate()


def test_the_same_process_id_in_two_namespaces(home: Path) -> None:
    """The holder and the command that cleans up are both process 1 or 2 of their namespace."""
    with holder(inside(*PIDS), "fifo", home=home) as (process, things):
        with untouched(things):
            output = command(inside(*PIDS), "clean", XDG_RUNTIME_DIR=str(home))
        assert "another PID namespace" in output
        process.communicate()


def test_a_clean_up_in_the_namespace_of_a_killed_process(home: Path) -> None:
    """The remedy: `clean` there removes what it left."""
    python = f"{sys.executable} -c"
    killed = HOLDER + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    script = f'{python} "$KILLED" fifo sysv-queue < /dev/null; {sys.executable} -m ipcbench clean'
    done = subprocess.run(
        [*inside(*PIDS, *IPC), "sh", "-c", script],
        capture_output=True,
        text=True,
        env=environment(XDG_RUNTIME_DIR=str(home), KILLED=killed),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 objects removed" in done.stdout, done
    assert not list(home.rglob("*.ledger"))


def test_a_key_of_another_ipc_namespace(home: Path) -> None:
    """An object of ours may have the same key here, and may have been created at the same time."""
    prefix = inside(*IPC)
    with holder(prefix, "sysv-queue", home=home) as (process, things):
        key = int(next(name for kind, name in things if kind == "sysv queue"))
        ours = sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
        try:
            process.send_signal(signal.SIGKILL)
            process.wait()
            shared = {"XDG_RUNTIME_DIR": str(home)}
            cleaned = ipcbench("clean", **shared)
            assert str(key) in queues()
            ledger = ledger_in(home)
            assert standing(ledger) == things
            assert "0 objects removed" in cleaned.stdout
            assert f"sysv queue {key}" in cleaned.stdout
            assert "in another IPC namespace, or on another file system" in cleaned.stdout
        finally:
            ours.remove()


def test_no_process_is_killed_by_a_pid_of_another_namespace(home: Path) -> None:
    """A session that the ledger names may be another one here."""
    with (
        holder(inside(*PIDS), "fifo", home=home) as (process, _),
        subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander,
    ):
        ledger = ledger_in(home)
        ledger.write({"session": bystander.pid, "start": process_start(bystander.pid)})
        command([], "clean", XDG_RUNTIME_DIR=str(home))
        assert end_sessions(ledger) == 0
        assert bystander.poll() is None
        bystander.kill()
        process.communicate()


def test_proc_of_another_pid_namespace(home: Path, tmp_path: Path) -> None:
    """With `unshare --pid` alone, /proc shows the pids of other processes."""
    prefix = inside("--pid", "--fork", "--kill-child")
    for arguments in (("clean",), ("clean", "--orphans"), (*SWEEP, "-o", str(tmp_path / "run"))):
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "ipcbench", *arguments],
            capture_output=True,
            text=True,
            env=environment(XDG_RUNTIME_DIR=str(home)),
            check=False,
        )
        assert done.returncode == 3, done
        assert done.stderr == (
            "Error: /proc shows another PID namespace: mount -t proc proc /proc\n"
        )
    assert not list(home.rglob("*.ledger"))
