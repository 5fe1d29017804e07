"""Senders of rings that wait for a free slot, on channels whose receivers wait with poll(2)."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Spec, Wait
from ipcbench.transports.native import built
from ipcbench.transports.testing.actors import eventually
from ipcbench.transports.testing.participants import Participants, numbered, receive, send
from ipcbench.transports.testing.waiting import call_of, waits_in_poll
from tests.available import available

SIZE, DEPTH = 64, 2


@pytest.mark.parametrize("native", [False, True], ids=["python", "native"])
@pytest.mark.parametrize(
    ("name", "polls"),
    [
        ("shm:memfd+eventfd", True),  # a process has one doorbell, for messages and for free slots
        ("shm:memfd+eventfd-counted", False),  # free slots have an eventfd of their own
    ],
)
def test_a_sender_that_waits_for_a_free_slot(name: str, polls: bool, native: bool) -> None:
    if native and built() is not None:
        pytest.skip(str(built()))
    spec = Spec(SIZE, depth=DEPTH, wait=Wait.POLL, native=native)
    messages = [numbered(number, SIZE) for number in range(DEPTH + 1)]
    with Participants(available(name), spec) as both:
        (sender,) = both.senders
        sender.begin(send, *messages)
        assert sender.waits(0.05)
        assert eventually(sender.asleep)
        if call_of(sender) is None:
            pytest.skip("proc_pid_syscall(5) does not say in which call a process sleeps here")
        assert waits_in_poll(sender) is polls
        assert both.receiver.do(receive, len(messages)) == messages
        sender.answer()
