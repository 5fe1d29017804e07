"""Tests of the team of a run: what its peers are told."""

from __future__ import annotations

from ipcbench.bench.patterns.stream import PAIRS
from ipcbench.bench.workers.barrier import Shared
from ipcbench.bench.workers.control import Connect, Hello, Message, ProcessFailure
from ipcbench.bench.workers.peers import Team


class _Line:
    """The worker's end of a control socket, by which a peer has said hello."""

    def __init__(self, hello: str) -> None:
        self._hello = hello
        self.said: list[Message] = []

    def listen(self, *_: object) -> Message:
        return Hello(self._hello)

    def say(self, message: Message) -> None:
        self.said.append(message)


def _give_up(failure: ProcessFailure) -> None:
    raise AssertionError(failure)


def test_each_process_has_the_hellos_of_its_own_channel() -> None:
    """Of two pairs, the second one is not connected to the first: a pid is that of a peer."""
    seats = PAIRS.seats(4)
    team = Team(seats, [[0]] * 4, _give_up, Shared(seats).barrier)  # type: ignore[arg-type]
    lines = [_Line(f"of {peer.number}") for peer in team.peers]
    for peer, line in zip(team.peers, lines, strict=True):
        peer.near.close()
        peer.near = line  # type: ignore[assignment]
    assert team.connect("of 0", 0.0) == ["of 0", "of 1"]
    assert [line.said for line in lines] == [
        [Connect(["of 0", "of 1"], 4)],
        [Connect(["of 2", "of 3"], 4)],
        [Connect(["of 2", "of 3"], 4)],
    ]
