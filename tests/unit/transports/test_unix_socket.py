"""Tests of sockets with a path: they are private from the moment they exist."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from ipcbench.transports.sockets.unix import bind_private


@pytest.mark.parametrize(
    "kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM], ids=lambda one: one.name
)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077], ids=oct)
def test_only_its_user_may_connect_whatever_the_umask(
    tmp_path: Path, kind: socket.SocketKind, mask: int
) -> None:
    before = os.umask(mask)
    try:
        with socket.socket(socket.AF_UNIX, kind) as made:
            bind_private(made, tmp_path / "socket")
    finally:
        left = os.umask(before)
    assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o600
    assert left == mask


def test_the_umask_is_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the whole process: two threads that set and restore it may leave it changed."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was touched"))
    with socket.socket(socket.AF_UNIX) as made:
        bind_private(made, tmp_path / "socket")
