"""Tests of the depth of POSIX queues where several channels share RLIMIT_MSGQUEUE."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ipcbench.transports.contract import Role, Spec, Unavailable
from tests.available import available

SIZE = 4096
BOUND = 409_600  # bytes: four links of depth 10 would need 335,360, eight twice as much


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    if before[1] != resource.RLIM_INFINITY and before[1] < BOUND:
        pytest.skip(f"RLIMIT_MSGQUEUE is {before[1]} here")
    resource.setrlimit(resource.RLIMIT_MSGQUEUE, (BOUND, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_MSGQUEUE, before)


def depths(channels: int) -> list[int]:
    """Create channels that exist at once; return the depth of each."""
    transport = available("posix-queue")
    with ExitStack() as stack:
        made = []
        for _ in range(channels):
            made.append(transport.create(Spec(SIZE, channels=channels)))
            stack.callback(made[-1].close)
            stack.callback(made[-1].unlink)
        return [channel.ticket(Role.SERVER, 0).data["depth"] for channel in made]


@pytest.mark.parametrize(("channels", "depth"), [(1, 10), (4, 10), (8, 5), (40, 1)])
def test_all_channels_of_a_cell_have_the_same_depth(channels: int, depth: int) -> None:
    """The first ones must not take what the last ones need."""
    assert depths(channels) == [depth] * channels


def test_the_remedy_is_enough_for_all_channels() -> None:
    with pytest.raises(Unavailable) as refused:
        depths(60)
    assert "RLIMIT_MSGQUEUE" in refused.value.reason
    wanted = max(819_200, BOUND + 60 * 2 * (SIZE + 96))
    assert str(wanted) in refused.value.remedy
