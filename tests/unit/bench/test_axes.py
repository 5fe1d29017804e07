"""bench.results.axes: the names agree with the definitions of contract, table and planner."""

from __future__ import annotations

import re

import pytest

from ipcbench.bench.machine.topology import Cpu
from ipcbench.bench.patterns import table
from ipcbench.bench.plan.placement import Site, place
from ipcbench.bench.results import axes
from ipcbench.transports.contract import traits


def test_families_are_those_of_the_contract() -> None:
    assert sorted(axes.FAMILIES) == sorted(family.value for family in traits.Family)


def test_waits_are_those_of_the_contract() -> None:
    assert sorted(axes.WAITS) == sorted(wait.value for wait in traits.Wait)


def test_the_reading_order_names_only_patterns_of_the_table() -> None:
    """A pattern of the table that it does not name is shown behind the others."""
    assert set(axes.PATTERNS) <= set(table.PATTERNS)


@pytest.mark.parametrize("placement", axes.PLACEMENTS)
def test_every_placement_can_be_placed(placement: str) -> None:
    cpus = [Cpu(cpu, (cpu % 2, cpu % 2 + 2), (0, 1, 2, 3), node=cpu % 2) for cpu in range(4)]
    assert isinstance(place(placement, 2, Site(cpus, "")), list)


def test_only_these_are_placements() -> None:
    with pytest.raises(ValueError, match="unknown placement 'same-socket'"):
        place("same-socket", 2, Site([], ""))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("latenzy", "unknown pattern 'latenzy' (did you mean 'latency'?): there are latency, "),
        ("nope", "unknown pattern 'nope': there are latency, stream"),
        ("", "unknown pattern '': there are latency"),
    ],
)
def test_a_name_that_is_unknown(name: str, message: str) -> None:
    assert re.match(re.escape(message), axes.unknown("pattern", name, axes.PATTERNS))


def test_a_placement_of_an_earlier_version_is_called_by_its_present_name() -> None:
    """The nearest name, `cross-core`, would measure with idle states."""
    said = axes.unknown("placement", "cross-core-polled", axes.PLACEMENTS)
    assert "(its name is now 'cross-core-awake')" in said
    assert "did you mean" not in said
