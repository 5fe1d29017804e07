"""Tests of the CPUs of a run's processes."""

from __future__ import annotations

import pytest

from ipcbench.bench.workers.affinity import announce_exclusive
from ipcbench.transports.contract import Role, Spec, Ticket


@pytest.mark.parametrize(
    ("cpus", "exclusive"),
    [
        ([[0], [1]], [True, True]),
        ([[0], [0]], [False, False]),
        ([[0], [1], [1]], [True, False, False]),
        ([[0, 1], [0, 1]], [False, False]),
        ([[0]], [True]),
    ],
    ids=["cross-core", "same-core", "three on two", "unpinned", "one process"],
)
def test_seats_learn_if_their_cpus_are_their_own(
    cpus: list[list[int]], exclusive: list[bool]
) -> None:
    tickets = [Ticket(Role.SENDER, index, Spec(8)) for index in range(len(cpus))]
    announce_exclusive(tickets, cpus)
    assert [ticket.spec.exclusive_cpus for ticket in tickets] == exclusive
