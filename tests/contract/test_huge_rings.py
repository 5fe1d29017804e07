"""Rings in huge pages: both segments, each kind of ring, copied out and in place, each runtime.

test_contract.py checks the contract for one of them, `make soak` for all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcbench.transports.contract import Spec, Topology
from ipcbench.transports.native import built
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Participants, numbered
from tests.available import available

pytestmark = pytest.mark.usefixtures("huge_pages")

LENGTHS = (100_000, 1, 0, 99_999, 4096) * 3  # several times round the ring, over several pages
RINGS = [
    f"shm:{pair}/huge{way}"
    for pair in ("memfd+eventfd", "memfd+futex", "sysv+sysv-sem", "sysv+spin-block")
    for way in ("", "/in-place")
]


@pytest.fixture(autouse=True)
def nothing_left(huge_pages: None) -> Iterator[None]:
    before = snapshot()
    yield
    assert not left_since(before)


@pytest.mark.parametrize("native", [False, True], ids=["python", "native"])
@pytest.mark.parametrize(
    ("name", "topology"),
    [
        *((name, Topology.LINK) for name in RINGS),
        *((name, Topology.FAN_IN) for name in RINGS if "in-place" not in name),
    ],
)
def test_messages_arrive(name: str, topology: Topology, native: bool) -> None:
    if native and built() is not None:
        pytest.skip(str(built()))
    spec = Spec(max(LENGTHS), topology, depth=4, native=native)
    some = [numbered(place, length) for place, length in enumerate(LENGTHS)]
    with Participants(available(name), spec, driven=native) as crew:
        assert crew.carry(*some) == some
