"""Delays of a share that is asked for: how the turns are chosen, and what they add."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from ipcbench.bench.loops.clock import FakeClock
from ipcbench.bench.workers.blocks.delay import choose, share_of

LOOPS = 1000


@dataclass
class Cell:
    """A cell whose blocks take a foreseen time, with so many delays of `turn` seconds a loop."""

    plain: float = 5e-6
    fixed: float = 30e-9  # of a delay, beside its turns
    turn: float = 0.3e-9
    delays: int = 2
    noise: float = 0.0
    blocks: list[int] = field(default_factory=list)

    def seconds(self, turns: int) -> float:
        self.blocks.append(turns)
        added = self.delays * (self.fixed + turns * self.turn) if turns else 0.0
        draw = random.Random(len(self.blocks))
        burst = 3.0 if self.noise and draw.random() < 0.1 else 1.0
        return LOOPS * (self.plain + added) * burst * (1 + self.noise * draw.gauss(0, 1))

    def cost(self, turns: int) -> float:
        return 8e-9 + turns * self.turn


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("delays", [1, 2, 12])
@pytest.mark.parametrize("wanted", [0.05, 0.1, 0.5])
def test_the_share_is_about_the_one_that_is_asked_for(
    wanted: float, delays: int, noise: float
) -> None:
    cell = Cell(delays=delays, noise=noise, plain=50e-6)
    turns = choose(wanted, cell.seconds, LOOPS, 80, cell.cost)
    true = delays * (cell.fixed + turns * cell.turn) / cell.plain
    assert wanted / 1.6 < true < wanted * 1.6
    assert share_of(turns, cell.seconds, 80) == pytest.approx(true, abs=0.015 if noise else 1e-9)


def test_a_delay_that_cannot_be_as_short_is_the_shortest() -> None:
    cell = Cell(plain=0.1e-6)
    turns = choose(0.05, cell.seconds, LOOPS, 20, cell.cost)
    assert turns == 1
    assert share_of(turns, cell.seconds, 20) == pytest.approx(2 * 30.3e-9 / 0.1e-6)


def test_the_order_alternates() -> None:
    cell = Cell()
    share_of(7, cell.seconds, 3)
    assert cell.blocks == [0, 7, 7, 0, 0, 7]


def test_a_made_up_clock_makes_up_the_delay() -> None:
    plain, slow = FakeClock("cell", 3, 64), FakeClock("cell", 3, 64, 100 * 50 / 1000)
    assert slow.cost == pytest.approx(1.05 * plain.cost)
