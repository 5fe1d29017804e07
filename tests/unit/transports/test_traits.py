"""Traits of the built-in transports, as far as no contract test checks them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ipcbench.transports.base import check_spec
from ipcbench.transports.contract import Family, Spec, Topology, Traits, Transport, Wait
from ipcbench.transports.registry import get, names
from ipcbench.transports.shm.transport import Shm

NAMES = names()  # their traits are read, and no channel is created


def traits(name: str) -> Traits:
    transport = get(name)
    assert isinstance(transport, Transport)
    return transport.traits


def counts(name: str) -> bool:
    """Tell whether a transport is a counted ring."""
    transport = get(name)
    return isinstance(transport, Shm) and transport.waiter.counted


@pytest.mark.parametrize("name", NAMES)
def test_signals_are_those_of_counted_rings(name: str) -> None:
    assert traits(name).signals == (2 if counts(name) else 0)


def test_guards_that_a_killed_holder_leaves_are_those_of_the_page() -> None:
    guards = [name for name in NAMES if Topology.GUARD in traits(name).topologies]
    left = ("sysv-sem", "flock", "lockf", "robust-mutex")
    assert {name for name in guards if traits(name).undo} == {*left}
    page = " ".join((Path(__file__).parents[3] / "docs/method.md").read_text().split())
    *some, last = (f"`{name}`" for name in left)
    assert f"{', '.join(some)} and {last} let the next process in" in page


@pytest.mark.parametrize("name", NAMES)
def test_ways_of_waiting_agree(name: str) -> None:
    found = traits(name)
    assert found.can_wait(found.waiting) and found.can_wait(Wait.BLOCK)
    assert found.can_wait(Wait.POLL) is found.pollable
    own = {found.waiting} & {Wait.SPIN, Wait.SPIN_BLOCK}
    looks = name == "spin-lock" or found.topologies == {Topology.NEWEST}
    assert not own or found.family is Family.SHARED_MEMORY or looks
    for wait in (Wait.SPIN, Wait.SPIN_BLOCK):
        assert found.can_wait(wait) is (found.spins or wait in own)


@pytest.mark.parametrize(
    ("name", "wait", "refused"),
    [
        ("pipe", Wait.POLL, False),
        ("pipe", Wait.SPIN, False),
        ("mp-queue", Wait.SPIN, True),
        ("sysv-queue", Wait.POLL, True),
        ("shm:posix+spin", Wait.SPIN, False),
        ("shm:posix+spin", Wait.SPIN_BLOCK, True),
        ("null", Wait.NONE, False),
        ("null", Wait.SPIN, True),
    ],
)
def test_a_way_of_waiting_is_refused(name: str, wait: Wait, refused: bool) -> None:
    transport = get(name)
    assert isinstance(transport, Transport)
    if refused:
        with pytest.raises(ValueError, match=re.escape(name)):
            check_spec(transport, Spec(8, wait=wait), None)
    else:
        check_spec(transport, Spec(8, wait=wait), None)


@pytest.mark.parametrize(
    ("name", "wait", "refused"),
    [
        ("pipe", Wait.BLOCK, True),
        ("pipe", Wait.POLL, True),
        ("pipe", Wait.SPIN, True),
        ("pipe", Wait.SPIN_BLOCK, False),
        ("shm:posix+spin", Wait.BLOCK, True),
        ("shm:posix+spin-block", Wait.BLOCK, False),
        ("shm:posix+spin-block", Wait.SPIN_BLOCK, False),
    ],
)
def test_looks_are_of_spin_block_alone(name: str, wait: Wait, refused: bool) -> None:
    transport = get(name)
    assert isinstance(transport, Transport)
    spec = Spec(8, wait=wait, looks=50)
    if refused:
        with pytest.raises(ValueError, match="50 looks are of the wait spin-block"):
            check_spec(transport, spec, None)
    else:
        check_spec(transport, spec, None)


def test_an_end_looks_once_at_least() -> None:
    with pytest.raises(ValueError, match="0 looks"):
        Spec(8, wait=Wait.SPIN_BLOCK, looks=0)
