"""Samples of tests for a quick run: all that stand alone, and a seeded part of the long products.

The contract over every transport takes many minutes. A run draws each of its tests on about
a quarter of the kinds of transports: the families, the ways in which a ring waits, other memory
than POSIX's, and messages in place. On a kind it is drawn once, on one of its transports, and the
draws differ in runtime, topology and other parameters as far as they can. So a fault that a test
always finds on a kind is found by one of four runs, and one that it finds on all kinds by every
run. `make soak` runs all of the contract (tests/soak).

Of tests that run whole commands, a twelfth are drawn where they run beside all others, from as many
files as possible, and half of the documents' commands: `pytest tests/e2e tests/faults` and
`make soak` run all of them.

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
APART = 12  # of so many tests that run whole commands, one is drawn
COMMANDS = ("tests/e2e/", "tests/faults/")
DOCUMENTS, APART_IN_DOCUMENTS = "tests/e2e/test_docs.py::", 2
ALWAYS = "tests/e2e/test_docs_text.py::"  # they run no commands


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


class Early:
    """The draw of transports for each test of the contract, before its items are made.

    The items of all transports take seconds to make, and memory that each fork copies. A test has
    the same fixtures on every transport: those of the first one tell on which others it applies.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn: dict[str, frozenset[str]] = {}

    def note(self, item: pytest.Item) -> None:
        """Draw the transports of an item's test, if it is the first item of that test."""
        if transport_of(item) is not None and _test(item) not in self._drawn:
            wanted = getattr(item, "fixturenames", ())
            self._drawn[_test(item)] = transports_for(_test(item), wanted, self._seed)

    def leaves_out(self, transport: str, test: str) -> bool:
        """Tell whether a test is not drawn on a transport; False while nothing is known of it."""
        return test in self._drawn and transport not in self._drawn[test]


def transports_for(test: str, wanted: Iterable[str], seed: str) -> frozenset[str]:
    """Draw the transports for a test: one of each kind on a share of the kinds where it applies.

    Args:
        test: the name of its function.
        wanted: the names of its fixtures.
    """
    kinds: dict[str, list[str]] = {}
    for name in contracted():
        if applies(wanted, None, name):
            kinds.setdefault(kind_of(name), []).append(name)
    return frozenset(
        min(kinds[kind], key=lambda name: _digest(seed, f"{test}/{name}"))
        for kind in _share_of(kinds, test, seed)
    )


def chosen(items: Sequence[pytest.Item], early: Early | None = None) -> list[pytest.Item]:
    """Return the tests that this run includes. `early`: drew the transports of the contract."""
    candidates: dict[str, Candidate] = {}
    left_out: set[str] = set()
    for item in items:
        name = transport_of(item)
        if name is None:
            continue
        wanted = getattr(item, "fixturenames", ())
        if not applies(wanted, _values(item).get("topology"), name) or (
            early is not None and early.leaves_out(name, _test(item))
        ):
            left_out.add(item.nodeid)
        elif not SOAK:
            candidates[item.nodeid] = _candidate(item, name)
    share = SHARE if early is None else 1.0
    left_out |= candidates.keys() - drawn(candidates.values(), SEED, share)
    if SOAK:
        return shuffled([item for item in items if item.nodeid not in left_out], SEED)
    left_out |= commands_left_out([item.nodeid for item in items], SEED)
    return [item for item in items if item.nodeid not in left_out]


def shuffled(items: Sequence[pytest.Item], seed: str) -> list[pytest.Item]:
    """Return the tests of each file, or class, in an order that the seed draws.

    A sample may hold any part of a file: no test may need one before it.
    """
    first: dict[object, int] = {}
    for place, item in enumerate(items):
        first.setdefault(item.parent, place)
    return sorted(items, key=lambda item: (first[item.parent], _digest(seed, item.nodeid)))


def transport_of(node: pytest.Item | pytest.Collector) -> str | None:
    """Return the transport of a test of the contract, or of their class; None for others."""
    name = getattr(getattr(node, "cls", None), "transport", None)
    return name if isinstance(name, str) and "test_contract" in node.nodeid else None


def commands_left_out(identities: Sequence[str], seed: str) -> set[str]:
    """Return the tests that run whole commands and are not drawn."""
    if all(each.startswith(COMMANDS) for each in identities):
        return set()
    commands = [
        each for each in identities if each.startswith(COMMANDS) and not each.startswith(ALWAYS)
    ]
    documents = [each for each in commands if each.startswith(DOCUMENTS)]
    others = [each for each in commands if not each.startswith(DOCUMENTS)]
    drawn_ = _every(documents, APART_IN_DOCUMENTS, seed) | _every(others, APART, seed)
    return set(commands) - drawn_


def _every(identities: Iterable[str], apart: int, seed: str) -> set[str]:
    """Draw one of so many tests, and one at least, evenly over their files."""
    order = sorted(identities, key=lambda each: (each.partition("::")[0], _digest(seed, each)))
    return set(order[random.Random(seed).randrange(apart) :: apart] or order[:1])


def drawn(candidates: Iterable[Candidate], seed: str, share: float = SHARE) -> set[str]:
    """Draw each test on a share of the kinds, on at least one; return the identities."""
    tests: dict[str, dict[str, list[Candidate]]] = {}
    for each in candidates:
        tests.setdefault(each.test, {}).setdefault(each.kind, []).append(each)
    found: set[str] = set()
    for test, kinds in tests.items():
        order = _share_of(kinds, test, seed, share)
        found.update(_unlike([kinds[kind] for kind in order], seed))
    return found


def _share_of(kinds: Iterable[str], test: str, seed: str, share: float = SHARE) -> list[str]:
    order = sorted(kinds, key=lambda kind: _digest(seed, f"{test}/{kind}"))
    return order[: ceil(share * len(order))]


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
    values = tuple(map(str, _values(item).values()))
    return Candidate(item.nodeid, _test(item), kind_of(name), values)


def _test(item: pytest.Item) -> str:
    return str(getattr(item, "originalname", item.name))


def _values(item: pytest.Item) -> dict[str, object]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


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


def applies(fixtures: Iterable[str], topology: object, name: str) -> bool:
    """Return True if the test applies to this transport: a pipe is no guard.

    Args:
        fixtures: the names of the test's.
        topology: the one that it is run with, if it is.
        name: the transport's.
    """
    transport = get(name)
    if isinstance(transport, BrokenPlugin):
        return True
    traits = transport.traits
    wanted = set(fixtures)
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
