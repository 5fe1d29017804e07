"""Samples of tests for a quick run: all that stand alone, and a seeded part of the long products.

The contract over every transport takes many minutes. A run draws each of its tests on about
a quarter of the kinds of transports: the families, the ways in which a ring waits, other memory
than POSIX's, and messages in place. On a kind it is drawn once, on one of its transports, and the
draws differ in runtime, topology and other parameters as far as they can. So a fault that a test
always finds on a kind is found by one of four runs, and one that it finds on all kinds by every
run. `make soak` runs all of the contract (tests/soak).

Of tests that run whole commands, an eighth of each file are drawn where they run beside all
others, and one at least: `pytest tests/e2e tests/faults` and `make soak` run all of them.

The seed is in pytest's header: `IPCBENCH_SEED=N make test` runs the same sample again.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import NamedTuple, TypeVar

import pytest

from ipcbench.transports.contract import Framing, Topology
from ipcbench.transports.registry import BrokenPlugin, get, matching, names
from ipcbench.transports.shm.transport import Shm

One = TypeVar("One")

SOAK = bool(os.environ.get("IPCBENCH_SOAK"))
SEED = os.environ.get("IPCBENCH_SEED") or str(secrets.randbelow(10**6))
os.environ["IPCBENCH_SEED"] = SEED  # several processes of one run share one sample
SHARE = 0.25  # of the kinds of transports to which a test applies
PART = 0.125  # of the tests of a file that run whole commands
COMMANDS = ("tests/e2e/", "tests/faults/")
ALWAYS = "test_docs"  # every command of the documents is run


def contracted() -> list[str]:
    """List the transports on which the contract is tested: all listed ones.

    In a soak, also the combinations of shared memory that the list leaves out.
    """
    return [*dict.fromkeys([*names(), *(matching("shm:*+*") if SOAK else ())])]


class Candidate(NamedTuple):
    """A test of the contract, to draw from.

    Attributes:
        identity: its node's.
        test: the name of its function.
        kind: the kind of its transport.
        values: the values of its parameters.
    """

    identity: str
    test: str
    kind: str
    values: tuple[str, ...]


def chosen(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that this run includes."""
    candidates: dict[str, Candidate] = {}
    left_out: set[str] = set()
    for item in items:
        name = getattr(getattr(item, "cls", None), "transport", None)
        if not isinstance(name, str) or "test_contract" not in item.nodeid:
            continue
        if not applies(item, name):
            left_out.add(item.nodeid)
        elif not SOAK:
            candidates[item.nodeid] = _candidate(item, name)
    left_out |= candidates.keys() - drawn(candidates.values(), SEED)
    if not SOAK:
        left_out |= commands_left_out([item.nodeid for item in items], SEED)
    return [item for item in items if item.nodeid not in left_out]


def commands_left_out(identities: Sequence[str], seed: str) -> set[str]:
    """Return the tests that run whole commands and are not drawn."""
    if all(each.startswith(COMMANDS) for each in identities):
        return set()
    files: dict[str, list[str]] = {}
    for each in identities:
        if each.startswith(COMMANDS) and ALWAYS not in each:
            files.setdefault(each.partition("::")[0], []).append(each)
    return {
        each
        for own in files.values()
        for each in sorted(own, key=lambda one: _digest(seed, one))[ceil(PART * len(own)) :]
    }


def drawn(candidates: Iterable[Candidate], seed: str) -> set[str]:
    """Draw each test on a share of the kinds, on at least one; return the identities."""
    tests: dict[str, dict[str, list[Candidate]]] = {}
    for each in candidates:
        tests.setdefault(each.test, {}).setdefault(each.kind, []).append(each)
    found: set[str] = set()
    for test, kinds in tests.items():
        order = sorted(kinds, key=lambda kind: _digest(seed, f"{test}/{kind}"))
        found.update(_unlike([kinds[kind] for kind in order[: ceil(SHARE * len(order))]], seed))
    return found


def _unlike(groups: Sequence[Sequence[Candidate]], seed: str) -> Iterator[str]:
    """Draw one of each group, whose values were drawn least often before."""
    times: Counter[str] = Counter()
    for group in groups:
        one = min(
            group,
            key=lambda each: (
                sum(times[value] for value in each.values),
                _digest(seed, each.identity),
            ),
        )
        times.update(one.values)
        yield one.identity


def some(everything: Sequence[One], count: int, draw: random.Random | None = None) -> list[One]:
    """Draw so many by the run's seed: all in a soak."""
    if SOAK:
        return list(everything)
    return (draw or random.Random(SEED)).sample(everything, min(count, len(everything)))


def _candidate(item: pytest.Item, name: str) -> Candidate:
    callspec = getattr(item, "callspec", None)
    values = {} if callspec is None else callspec.params
    test = getattr(item, "originalname", item.name)
    return Candidate(item.nodeid, test, kind_of(name), tuple(map(str, values.values())))


def kind_of(name: str) -> str:
    """Return the kind of a transport: its family, or what is peculiar to a ring."""
    transport = get(name)
    if isinstance(transport, BrokenPlugin):
        return name
    if not isinstance(transport, Shm):
        return transport.traits.family.value
    if transport.in_place:
        return "in place"
    return transport.waiter.name if transport.segment.name == "posix" else "other memory"


def _digest(seed: str, identity: str) -> bytes:
    return hashlib.sha256(f"{seed}/{identity}".encode()).digest()


def applies(item: pytest.Item, name: str) -> bool:
    """Return True if the test applies to this transport: a pipe is no guard."""
    transport = get(name)
    if isinstance(transport, BrokenPlugin):
        return True
    traits = transport.traits
    wanted = set(getattr(item, "fixturenames", ()))
    topology = getattr(item, "callspec", None) and item.callspec.params.get("topology")
    stream = traits.framing is not Framing.MESSAGE
    return not (
        (wanted & {"carrier", "messages", "stream"} and not traits.carries)
        or ("stream" in wanted and not stream)
        or ("signal" in wanted and Topology.SIGNAL not in traits.topologies)
        or ("guard" in wanted and Topology.GUARD not in traits.topologies)
        or ("file" in wanted and Topology.FILE not in traits.topologies)
        or ("reader" in wanted and not traits.in_place)
        or ("pickled" in wanted and not traits.objects)
        or ("driven" in wanted and not traits.native)
        or ("sending" in wanted and not traits.batch)
        or (wanted & {"space_only", "looking"} and traits.batch_in_kernel)
        or ("looking" in wanted and stream)
        or ("batching" in wanted and traits.in_place)
        or ("messages" in wanted and (topology is Topology.HUB or stream))
    )
