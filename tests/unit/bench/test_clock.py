"""bench.loops.clock: the machine's clock, and a fake one that tests can predict."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops.clock import FAKE, NOISY, REAL, FakeClock, RealClock, clock
from ipcbench.bench.patterns.table import PATTERNS

NAMES = st.text(min_size=1, max_size=40)


def test_the_real_clock_is_one_for_all_processes() -> None:
    """Stamps of two processes are subtracted, so their clocks must have the same zero."""
    found = clock(REAL, "cell", 1)
    found.begin(1000)
    code = (
        "from ipcbench.bench.loops.clock import RealClock\n"
        "c = RealClock(); print(c.now(), c.now_ns())"
    )
    before, before_ns = found.now(), found.now_ns()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    seconds, nanoseconds = said.stdout.split()
    assert before < float(seconds) < found.now()
    assert before_ns < int(nanoseconds) < found.now_ns()
    assert abs(found.now() - found.now_ns() / 1e9) < 1


def test_the_real_clock_is_called_without_a_python_frame() -> None:
    assert RealClock().now is time.perf_counter
    assert RealClock().now_ns is time.perf_counter_ns


@given(cell=NAMES, number=st.integers(0, 1000), count=st.integers(1, 10**6))
def test_a_made_up_block_lasts_as_long_as_its_messages(cell: str, number: int, count: int) -> None:
    made_up = FakeClock(cell, number)
    assert 1e-6 <= made_up.cost <= 1.1e-5
    for _ in range(3):  # each block anew, whatever was read before
        made_up.now()
        made_up.begin(count)
        start, end = made_up.now(), made_up.now()
        assert (start, end) == (0.0, count * made_up.cost)
        stamps = [made_up.now_ns() for _ in range(4)]
        steps = [after - before for before, after in pairwise(stamps)]
        assert all(abs(step - made_up.cost * 1e9) <= 1 for step in steps)
        assert stamps[0] == round(made_up.cost * 1e9)


@given(cell=NAMES, other=NAMES, number=st.integers(0, 1000))
def test_made_up_time_depends_on_cell_and_round_alone(cell: str, other: str, number: int) -> None:
    cost = FakeClock(cell, number).cost
    assert FakeClock(cell, number).cost == cost
    assert (FakeClock(other, number).cost == cost) is (cell == other)
    assert FakeClock(cell, number + 1).cost != cost
    assert FakeClock(cell, number + 1).cost == pytest.approx(cost, rel=0.021)  # noise, no more


def test_fake_times_never_change() -> None:
    """Other tests predict these values, in other processes and with other hash seeds."""
    assert FakeClock("latency/pipe", 1).cost == pytest.approx(5.746481674417897e-06, rel=1e-12)


def test_clocks_by_name() -> None:
    assert isinstance(clock(REAL, "cell", 1), RealClock)
    assert isinstance(clock(FAKE, "cell", 1), FakeClock)
    noisy = [clock(NOISY, "cell", number) for number in range(50)]
    costs = [one.cost for one in noisy if isinstance(one, FakeClock)]
    assert 1.4 < max(costs) / min(costs) <= 1.5
    with pytest.raises(ValueError, match="there are perf_counter, fake and fake-noisy"):
        clock("sundial", "cell", 1)


def test_a_unit_of_more_weight_costs_more_made_up_time() -> None:
    """A block then has as few set-ups as a real one, and ends before its deadline."""
    light, heavy = (clock(FAKE, "cell", 1, weight=weight) for weight in (1.0, 100.0))
    assert isinstance(light, FakeClock) and isinstance(heavy, FakeClock)
    assert heavy.cost == pytest.approx(100 * light.cost)
    assert PATTERNS["set-up"].weight == 100
