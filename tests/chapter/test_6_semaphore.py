"""Chapter 2.6: two programs increment one variable, without a semaphore and with one."""

from __future__ import annotations

import json

import pytest

from ipcbench.transports.contract import Role
from ipcbench.transports.kernel_objects import fresh_key
from ipcbench.transports.shm.kinds import SEGMENTS
from tests.available import need
from tests.chapter.count_up import MEMBERS, guard, specification
from tests.chapter.programs import Program

TIMES = 2000


def lost(name: str, times: int = TIMES) -> int:
    """Count the updates that are missing at the end."""
    need(guard(name).probe())
    need(SEGMENTS["sysv"].probe())
    named = None if name == "unguarded" else str(fresh_key())
    channel = guard(name).create(specification(named))
    memory = SEGMENTS["sysv"].create(8, None)
    try:
        ticket = json.dumps(channel.ticket(Role.MEMBER, 0).data)
        arguments = (name, ticket, str(memory.address), str(times))
        members = [Program("count_up", *arguments) for _ in range(MEMBERS)]
        assert [member.line() for member in members] == ["ready"] * MEMBERS
        for member in members:
            assert member.process.stdin is not None
            member.process.stdin.write("\n")
            member.process.stdin.flush()
        assert [member.end() for member in members] == [(0, "done\n")] * MEMBERS
        with memory.memory[:8].cast("Q") as count:
            return MEMBERS * times - count[0]
    finally:
        memory.close()
        memory.unlink()
        channel.close()
        channel.unlink()


def test_without_a_guard_updates_are_lost() -> None:
    """On a busy machine one member may end before the other runs: more updates make them meet."""
    assert any(lost("unguarded", TIMES << doubled) > 0 for doubled in range(8))


@pytest.mark.parametrize("name", ["sysv-sem", "posix-sem"])
def test_with_a_semaphore_no_update_is_lost(name: str) -> None:
    assert lost(name) == 0
