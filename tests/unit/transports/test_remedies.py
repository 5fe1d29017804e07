"""base.remedies and the limits that use it: values that suffice, in the machine's own form."""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcbench.transports.base import memory, remedies
from ipcbench.transports.base.memory import MemoryCgroup, free_memory
from ipcbench.transports.base.remedies import pip_install, raise_limit, resize_tmpfs, set_kernel
from ipcbench.transports.contract import Limit, Need, Topology
from ipcbench.transports.queues import posix_limits, sysv
from ipcbench.transports.sockets import unix

Place = Callable[[bool], None]


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Set whether this is a container, whose /proc/sys is read-only and whose root is confined."""

    def place(inside: bool) -> None:
        monkeypatch.setattr(remedies, "in_container", lambda: inside)
        monkeypatch.setattr(remedies, "_writable", lambda name: False)
        monkeypatch.setattr(remedies, "_has", lambda capability: not inside)

    return place


def test_a_package_is_installed_as_this_program_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A checkout needs no release: its own folder is the package, and `.venv` its environment."""
    monkeypatch.setattr(remedies, "__file__", str(tmp_path / "transports/base/remedies.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert pip_install("[libraries]") == "pip install 'ipcbench[libraries]'"
    assert pip_install("sysv_ipc") == "pip install sysv_ipc"
    (tmp_path / "pyproject.toml").touch()
    assert pip_install("sysv_ipc") == ".venv/bin/pip install sysv_ipc"
    assert pip_install("[libraries]", upgrade=True) == (
        ".venv/bin/pip install --upgrade -e '.[libraries]'"
    )
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert pip_install("[libraries]") == "pip install -e '.[libraries]'"


def test_settings_change_together(container: Place) -> None:
    container(False)
    both: dict[str, int | str] = {"kernel.msgmax": 65536, "kernel.sem": "250 32000 32 128"}
    assert set_kernel(both) == 'sysctl -w kernel.msgmax=65536 kernel.sem="250 32000 32 128"'
    assert set_kernel({}) == ""


def test_a_container_takes_options_and_its_host_the_rest(container: Place) -> None:
    container(True)
    assert set_kernel(
        {"kernel.msgmax": 1, "fs.mqueue.msg_max": 2, "net.unix.max_dgram_qlen": 3}
    ) == (
        "start the container with --sysctl kernel.msgmax=1 --sysctl fs.mqueue.msg_max=2 "
        "--sysctl net.unix.max_dgram_qlen=3"
    )
    for name in ("fs.pipe-max-size", "net.core.wmem_default", "vm.nr_hugepages"):
        assert set_kernel({name: 7}) == f"on the container's host: sysctl -w {name}=7"


def test_a_writable_setting_is_set_in_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "in_container", lambda: True)
    monkeypatch.setattr(remedies, "_writable", lambda name: True)
    assert set_kernel({"kernel.msgmax": 1}) == "sysctl -w kernel.msgmax=1"


@pytest.mark.parametrize(
    ("inside", "has", "expected"),
    [
        (False, True, "ulimit -q 1000"),
        (False, False, "as root: prlimit --pid $$ --msgqueue=1000:1000"),
        (True, False, "start the container with --ulimit msgqueue=1000:1000"),
    ],
)
def test_a_limit_above_the_hard_one(
    inside: bool, has: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remedies, "in_container", lambda: inside)
    monkeypatch.setattr(remedies, "_has", lambda capability: has)
    monkeypatch.setattr(resource, "getrlimit", lambda name: (100, 500))
    assert raise_limit("RLIMIT_MSGQUEUE", 1000) == expected
    assert raise_limit("RLIMIT_MSGQUEUE", 500) == "ulimit -q 500"


def test_the_size_of_shared_memory(container: Place) -> None:
    container(True)
    shm = remedies.Path("/dev/shm")
    assert resize_tmpfs(shm, 1 << 30) == "start the container with --shm-size=1024m"
    container(False)
    assert resize_tmpfs(shm, 1) == "mount -o remount,size=1m /dev/shm"


# Needs


def test_a_need_counts_one_way_connections() -> None:
    assert Need(64).ways == 2
    assert Need(64, topology=Topology.FAN_IN, parties=4).ways == 1
    assert Need(64, topology=Topology.HUB, parties=4).ways == 6
    assert Need(64, channels=3).ways == 6


def test_a_limit_without_values_has_its_general_remedy() -> None:
    assert Limit("message", 1, "here", "raise it").remedy_for(Need(2)) == "raise it"
    assert Limit("message", 1, "here", "raise it", lambda n: str(n.size)).remedy_for(Need(2)) == "2"


@pytest.mark.parametrize("depth", [None, 1, 100])
def test_both_settings_of_system_v_queues(
    depth: int | None, container: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    container(False)
    monkeypatch.setattr(sysv, "sysctl", lambda name: 8192)
    remedy = sysv._raised(Need(65536, depth))
    assert remedy == (
        f"sysctl -w kernel.msgmax=65536 kernel.msgmnb={65536 * (2 if depth is None else depth)}"
    )


def test_all_settings_of_posix_queues(container: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    container(False)
    monkeypatch.setattr(posix_limits, "sysctl", lambda name: 10)
    monkeypatch.setattr(posix_limits, "user_bytes", lambda: 819200)
    remedy = posix_limits.raised(Need(1 << 20, 64))
    wanted = 819200 + 2 * 64 * ((1 << 20) + posix_limits.OVERHEAD)
    assert remedy == (
        f"sysctl -w fs.mqueue.msgsize_max=1048576 fs.mqueue.msg_max=64, and ulimit -q {wanted}"
    )


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
@pytest.mark.parametrize("size", [300_000, 1 << 20])
def test_the_send_buffer_suffices(kind: socket.SocketKind, size: int, container: Place) -> None:
    container(False)
    setting, _, value = unix._larger(Need(size)).removeprefix("sysctl -w ").partition("=")
    assert setting == "net.core.wmem_default"
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    with one, other:
        try:  # SO_SNDBUFFORCE: the kernel doubles the value, socket(7)
            one.setsockopt(socket.SOL_SOCKET, 32, int(value) // 2)
        except PermissionError:
            pytest.skip("a send buffer over net.core.wmem_max needs CAP_NET_ADMIN")
        one.setblocking(False)
        assert one.send(bytes(size)) == size


# Memory


def cgroup(folder: remedies.Path, limit: str, used: int, cache: int = 0) -> MemoryCgroup:
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    return MemoryCgroup(folder, second=True)


def test_the_room_in_a_cgroup(tmp_path: remedies.Path) -> None:
    found = cgroup(tmp_path, "1000", 700, cache=50)
    assert (found.limit, found.room, found.kills) == (1000, 350, 2)
    assert cgroup(tmp_path, "max", 700).room is None


def test_the_tightest_bound_is_named(
    tmp_path: remedies.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_cgroups", lambda: [cgroup(tmp_path, "1000", 400)])
    found = free_memory()
    assert (found.value, found.source) == (600, f"{tmp_path}, limit 1000 bytes")
    assert "docker run --memory" in found.remedy_for(Need(1 << 20))


def test_no_limit_suffices_where_the_machine_is_too_small(
    tmp_path: remedies.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_cgroups", lambda: [cgroup(tmp_path, "1000", 400)])
    remedy = free_memory().remedy_for(Need(1 << 60))
    assert remedy.startswith("ask for smaller messages or fewer processes: this machine has ")
