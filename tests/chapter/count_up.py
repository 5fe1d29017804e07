"""Programs that increment one variable in System V shared memory, each a number of times.

    python -m tests.chapter.count_up GUARD TICKET KEY TIMES

GUARD is the name of a transport (`sysv-sem`, or `unguarded`), TICKET the JSON that its owner
passes to each member, KEY the key of the variable's segment. Each program starts when it reads
a line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from ipcbench.transports.contract import Role, Spec, Ticket, Topology, Transport
from ipcbench.transports.registry import get
from ipcbench.transports.shm.kinds import SEGMENTS

MEMBERS = 2


def specification(name: str | None = None) -> Spec:
    return Spec(0, Topology.GUARD, MEMBERS, name=name)


def guard(name: str) -> Transport:
    transport = get(name)
    assert isinstance(transport, Transport)
    return transport


def main(name: str, ticket: str, key: str, times: str) -> None:
    seat = Ticket(Role.MEMBER, 0, specification(), json.loads(ticket))
    member: Any = guard(name).attach(seat, time.monotonic() + 5)
    segment = SEGMENTS["sysv"].open(key)
    count = segment.memory[:8].cast("Q")
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(times)):
        member.acquire()
        found = count[0]
        os.sched_yield()  # let the others run in between, even on one core
        count[0] = found + 1
        member.release()
    print("done", flush=True)
    count.release()
    segment.close()
    member.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
