"""Program 7: an echo server, a process for each client, several clients at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "echo.py"
CLIENTS, COUNT = 4, 20


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_echo(tmp_path: Path) -> None:
    path = tmp_path / "echo"
    server = start("serve", path, CLIENTS)
    clients = [start("ask", path, f"client {number}", COUNT) for number in range(CLIENTS)]
    first = []
    for client in clients:  # each has received one echo, so all are connected now
        assert client.stdout is not None
        first.append(int(client.stdout.readline()))
    echoed = [client.communicate("go on\n", timeout=30)[0].split() for client in clients]
    server.communicate(timeout=30)
    assert [one.returncode for one in (server, *clients)] == [0] * (1 + CLIENTS)
    assert len({server.pid, *first}) == 1 + CLIENTS, "a process for each client"
    assert echoed == [[str(pid)] * (COUNT - 1) for pid in first]
    assert list(tmp_path.iterdir()) == []
