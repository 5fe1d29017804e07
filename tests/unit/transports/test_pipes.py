"""Tests of pipes: their capacity, and refusals; paths that are no FIFO."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from ipcbench.transports.contract import (
    Limits,
    PeerGone,
    Role,
    Spec,
    Ticket,
    Unavailable,
)
from ipcbench.transports.registry import UnknownTransport, get


@pytest.mark.parametrize(("name", "capacity"), [("pipe:4K", 4096), ("pipe:128K", 131072)])
def test_capacity(name: str, capacity: int) -> None:
    channel = get(name).create(Spec(1))
    for role in (Role.CLIENT, Role.SERVER):
        ticket = channel.ticket(role, 0)
        for fd in ticket.fds:
            assert fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) == max(capacity, os.sysconf("SC_PAGE_SIZE"))
        ticket.close()
    channel.close()


def test_a_capacity_beyond_the_kernel_s_limit() -> None:
    """A process that may exceed fs.pipe-max-size gets no pipe of 2 GiB either: pipe(7)."""
    found = get("pipe:4000M").probe()
    assert isinstance(found, Unavailable)
    assert "more than the kernel allows, 2147483648" in found.reason
    assert found.remedy == "ask for a smaller capacity"  # no setting would suffice


def test_a_small_pipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over fs.pipe-user-pages-soft, the kernel silently creates pipes of a page or two: pipe(7)."""
    real = os.pipe2

    def small(flags: int) -> tuple[int, int]:
        ends = real(flags)
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
        return ends

    monkeypatch.setattr(os, "pipe2", small)
    found = get("pipe").probe()
    assert isinstance(found, Unavailable)
    assert "fs.pipe-user-pages-soft" in found.reason
    with pytest.raises(Unavailable):
        get("pipe").create(Spec(1))
    monkeypatch.undo()
    assert isinstance(get("pipe").probe(), Limits)


@pytest.mark.parametrize("name", ["pipe:", "pipe:0", "pipe:1G", "pipe:-1", "pipe:1m", "fifo:pipe"])
def test_no_such_pipe(name: str) -> None:
    with pytest.raises(UnknownTransport):
        get(name)


def test_a_path_that_is_no_fifo(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(FileExistsError):
        get("fifo").attach(Ticket(Role.CLIENT, 0, Spec(1, name=str(path))), time.monotonic() + 1)
    with pytest.raises(PeerGone):
        get("fifo").attach(Ticket(Role.CLIENT, 0, Spec(1, name=f"{path}s")), time.monotonic() + 1)
    with pytest.raises(ValueError, match="path"):
        get("fifo").attach(Ticket(Role.CLIENT, 0, Spec(1)), time.monotonic() + 1)
