"""The child of program 1: writes a greeting with its process id at intervals.

Usage: greeter.py DESCRIPTOR COUNT
"""

from __future__ import annotations

import os
import sys
import time

from ipcbench.transports.contract import Role, Spec, Ticket, Topology
from ipcbench.transports.registry import get

SIZE = 64  # bytes: both sides know it, since a pipe keeps no message boundaries
SPEC = Spec(SIZE, Topology.FAN_IN)


def main(descriptor: int, count: int) -> None:
    ticket = Ticket(Role.SENDER, 0, SPEC, fds=(descriptor,))
    endpoint = get("pipe").attach(ticket, time.monotonic() + 10)
    for number in range(count):
        text = f"{number}: greetings from process {os.getpid()}"
        endpoint.send(endpoint.prepare(memoryview(text.encode().ljust(SIZE, b"\0"))))
        time.sleep(0.01)
    endpoint.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
