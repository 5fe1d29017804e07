"""Chapter 2.3: several kinds of message in one queue; a program takes the type it asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcbench.transports.contract import Role
from ipcbench.transports.kernel_objects import fresh_key
from tests.available import need
from tests.chapter.message_kinds import queue, specification

ROOT = Path(__file__).parents[2]
TIME_LIMIT = 20.0  # seconds
ORDER, PAYMENT, NEWS, NOTHING = "1", "2", "3", "4"


def started(*arguments: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.chapter.message_kinds", *arguments]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> list[str]:
    with process:
        try:
            text, _ = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0
    return text.splitlines()


@pytest.fixture
def ticket() -> Iterator[str]:
    """Create a queue under a fixed key; yield the ticket by which a program uses it."""
    need(queue().probe())
    channel = queue().create(specification(name=str(fresh_key())))
    try:
        yield json.dumps(channel.ticket(Role.SENDER, 0).data)
    finally:
        channel.close()
        channel.unlink()


def test_each_takes_its_kind(ticket: str) -> None:
    """Each waits in the empty queue and then gets no message of another type."""
    takers = {kind: started("take", ticket, kind, "2") for kind in (ORDER, PAYMENT, NEWS)}
    put = (NEWS, "rain", ORDER, "tea", PAYMENT, "3", ORDER, "cake", NEWS, "sun", PAYMENT, "4")
    assert output(started("put", ticket, *put)) == []
    assert {kind: output(taker) for kind, taker in takers.items()} == {
        ORDER: ["tea", "cake"],
        PAYMENT: ["3", "4"],
        NEWS: ["rain", "sun"],
    }


def test_messages_outlive_their_sender(ticket: str) -> None:
    """The sender has exited; the last kind put is taken first."""
    output(started("put", ticket, ORDER, "tea", PAYMENT, "3", NEWS, "rain"))
    for kind, text in ((NEWS, "rain"), (PAYMENT, "3"), (ORDER, "tea")):
        assert output(started("take", ticket, kind, "1")) == [text]


def test_none_of_the_kind(ticket: str) -> None:
    """With IPC_NOWAIT, ENOMSG comes at once even if there are other types: msgop(2)."""
    output(started("put", ticket, ORDER, "tea", NEWS, "rain"))
    (text,) = output(started("try", ticket, NOTHING))
    assert text == f"none of kind {NOTHING}: No available messages of the specified type"
    assert output(started("try", ticket, NEWS)) == ["rain"]
