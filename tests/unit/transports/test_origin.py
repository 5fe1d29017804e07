"""Tests of a ledger's origin: what belongs to another boot, host or namespace is left alone."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sysv_ipc

from ipcbench.bench.machine.guardian import clean_up, end_sessions
from ipcbench.transports.base import file_systems
from ipcbench.transports.kernel_objects import announce, fresh_key, fresh_name, origin
from ipcbench.transports.kernel_objects.elsewhere import left_alone
from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.kernel_objects.ledger import (
    LEDGER_VARIABLE,
    Ledger,
    Owner,
    abandoned,
    current,
    process_start,
    remove_all,
    standing,
)
from ipcbench.transports.kernel_objects.origin import Origin

GONE = 2**22 + 1  # above any pid: pid_max, proc_sys_kernel(5)
NFS = 0x6969


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a private folder of its own."""
    with monkeypatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        patch.delenv(LEDGER_VARIABLE, raising=False)
        yield home()


def here() -> Origin:
    found = Origin.here()
    assert found is not None
    return found


def ledger_of(where: Origin | None, things: list[tuple[str, str]], **more: Any) -> Ledger:
    """Write a ledger of a process that does not exist here."""
    path = home() / f"{os.urandom(8).hex()}.ledger"
    first = {"owner": GONE, "start": 1, **(where.entry() if where else {}), **more}
    entries = [first, *({"kind": kind, "name": name} for kind, name in things)]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return Ledger(path)


@pytest.fixture
def file(private: Path) -> Path:
    path = private / fresh_name()
    path.touch()
    return path


def test_a_new_ledger_names_its_origin() -> None:
    ledger = Ledger.open_new(os.getpid())
    assert Origin.of(next(ledger.entries())) == here()
    assert ledger.owner() is Owner.ALIVE
    ledger.discard()


def test_a_dead_process_of_this_namespace_is_cleaned_up(file: Path) -> None:
    ledger = ledger_of(here(), [("file", str(file))])
    assert ledger.owner() is Owner.DEAD
    assert left_alone() != []  # until it is cleaned up
    assert clean_up(ledger) == [f"file {file}"]
    assert left_alone() == []


ELSEWHERE = {
    "PID namespace": ({"pids": 1}, "another PID namespace (pid:[1] of host"),
    "time namespace": ({"times": 1}, "another PID namespace"),
    "host": ({"boot": "0", "host": "other"}, "another boot, on host other"),
}


@pytest.mark.parametrize(("changes", "reason"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_process_elsewhere_keeps_its_objects(
    changes: dict[str, Any], reason: str, file: Path
) -> None:
    ledger = ledger_of(dataclasses.replace(here(), **changes), [("file", str(file))])
    assert abandoned() == []
    (left,) = left_alone()
    assert reason in left.reason
    assert f"process {GONE}" in left.reason
    assert f"rm {ledger.path}, then ipcbench clean --orphans" in left.remedy
    assert file.exists()


def test_the_name_of_the_host_matters_with_another_boot_only(file: Path) -> None:
    """Containers with the PID namespace of the host have names of their own."""
    ledger = ledger_of(dataclasses.replace(here(), host="other"), [("file", str(file))])
    assert ledger.owner() is Owner.DEAD


def test_files_of_an_earlier_boot_are_removed(file: Path) -> None:
    ledger = ledger_of(dataclasses.replace(here(), boot="0", pids=1), [])
    ledger.write({"kind": "file", "name": str(file), "in": 1})  # devices are numbered anew
    assert ledger.owner() is Owner.ENDED_WITH_ITS_BOOT
    assert [each.path for each in abandoned()] == [ledger.path]
    assert clean_up(ledger) == [f"file {file}"]
    assert not file.exists() and not ledger.path.exists()


def test_a_key_of_an_earlier_boot_is_another_programs(private: Path) -> None:
    key = fresh_key()
    queue = sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
    try:
        ledger = ledger_of(dataclasses.replace(here(), boot="0"), [])
        place = origin.namespace("ipc")
        ledger.write({"kind": "sysv queue", "name": str(key), "in": place, "at": time.time()})
        assert clean_up(ledger) == []
        assert not ledger.path.exists()
        assert sysv_ipc.MessageQueue(key).id == queue.id
    finally:
        queue.remove()


def test_another_boot_on_a_network_file_system(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host may have the same name, and be running."""
    ledger = ledger_of(dataclasses.replace(here(), boot="0"), [("file", str(file))])
    monkeypatch.setattr(file_systems, "file_system", lambda path: NFS)
    assert ledger.owner() is Owner.UNKNOWN
    assert "another boot" in left_alone()[0].reason


@pytest.mark.parametrize("first", [{}, {"boot": ""}, {"boot": 1}, {"pids": "1"}, {"host": None}])
def test_a_ledger_without_an_origin_is_left_alone(first: dict[str, Any], file: Path) -> None:
    """An older ipcbench wrote it, or it is damaged."""
    whole = here().entry() if first else {}
    ledger = ledger_of(None, [("file", str(file))], **{**whole, **first})
    assert ledger.owner() is Owner.UNKNOWN
    assert abandoned() == []
    (left,) = left_alone()
    assert "does not say on which host" in left.reason
    assert left.remedy == (
        f"if that process has ended: rm {ledger.path}, then ipcbench clean --orphans"
    )


def test_no_process_is_ended_for_a_ledger_of_another_namespace() -> None:
    ledger = ledger_of(dataclasses.replace(here(), pids=1), [])
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander:
        ledger.write({"session": bystander.pid, "start": process_start(bystander.pid)})
        assert end_sessions(ledger) == 0
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize("kind", ["sysv queue", "posix queue", "posix memory", "file"])
def test_an_object_of_another_place_stays_in_the_ledger(kind: str, private: Path) -> None:
    names = {"sysv": str(fresh_key()), "posix": f"/{fresh_name()}", "file": private / fresh_name()}
    name = str(names[kind.partition(" ")[0]])
    ledger = ledger_of(here(), [])
    ledger.write({"kind": kind, "name": name, "in": 1})
    assert remove_all(ledger) == []
    assert standing(ledger) == [(kind, name)]
    (left,) = left_alone()
    assert f"{kind} {name}" in left.reason
    assert "run ipcbench clean there" in left.remedy


def test_an_announcement_names_the_place(private: Path) -> None:
    announce("sysv queue", str(fresh_key()))
    announce("file", str(private / fresh_name()))
    _, key, file = current().entries()
    assert key["in"] == origin.namespace("ipc")
    assert file["in"] == private.stat().st_dev
    remove_all(current())


def test_local_file_systems(tmp_path: Path) -> None:
    assert file_systems.is_local("/dev/shm")
    assert not file_systems.is_local("/proc")
    assert not file_systems.is_local(tmp_path / "none")
