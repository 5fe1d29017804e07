"""Program 1: a child writes greetings with its process id at intervals; the parent reads."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipcbench.transports.contract import PeerGone, Role
from ipcbench.transports.registry import get
from tests.chapter.greeter import SIZE, SPEC

GREETER = Path(__file__).parent / "greeter.py"
COUNT = 5


def test_greetings() -> None:
    pipe = get("pipe")
    channel = pipe.create(SPEC)
    ticket = channel.ticket(Role.SENDER, 0)
    command = [sys.executable, str(GREETER), str(ticket.fds[0]), str(COUNT)]
    with subprocess.Popen(command, pass_fds=ticket.fds) as child:
        ticket.close()
        endpoint = pipe.attach(channel.ticket(Role.RECEIVER, 0), time.monotonic() + 10)
        channel.close()  # and this process's write end, or there is no end of file: pipe(7)
        buffer = memoryview(bytearray(SIZE))
        received = []
        for _ in range(COUNT):
            assert endpoint.recv_into(buffer) == SIZE
            received.append(bytes(buffer).rstrip(b"\0").decode())
        with pytest.raises(PeerGone):
            endpoint.recv_into(buffer)
        endpoint.close()
    assert child.returncode == 0
    assert received == [f"{n}: greetings from process {child.pid}" for n in range(COUNT)]
