"""Samples of tests for a quick run: all that stand alone, and a seeded part of the long products.

The contract over every transport takes many minutes. A seventh of it runs from Python on the
transports that stand for their kind, and a smaller sample on the others; it depends on the
seed. `make soak` runs all of it (tests/soak). The seed is in pytest's header:
`IPCBENCH_SEED=N make test` runs the same sample again.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
from collections.abc import Sequence
from typing import TypeVar

import pytest

from ipcbench.transports.contract import Framing, Topology
from ipcbench.transports.registry import BrokenPlugin, get, matching, names

One = TypeVar("One")

SOAK = bool(os.environ.get("IPCBENCH_SOAK"))
SEED = os.environ.get("IPCBENCH_SEED") or str(secrets.randbelow(10**6))
os.environ["IPCBENCH_SEED"] = SEED  # several processes of one run share one sample
# Of the tests of a transport that stands for its kind, and of any other one: over their
# methods, and over their native operations.
SHARES = {(True, False): 0.15, (True, True): 0.06, (False, False): 0.035, (False, True): 0.02}

LEADING = frozenset(
    {"pipe", "unix-stream", "sysv-queue", "posix-queue", "shm:posix+posix-sem", "null"}
)


def contracted() -> list[str]:
    """List the transports on which the contract is tested: all listed ones.

    In a soak, also the combinations of shared memory that the list leaves out.
    """
    return [*dict.fromkeys([*names(), *(matching("shm:*+*") if SOAK else ())])]


def chosen(item: pytest.Item) -> bool:
    """Return True if this run includes the test."""
    name = getattr(getattr(item, "cls", None), "transport", None)
    if not isinstance(name, str) or "test_contract" not in item.nodeid:
        return True
    if not applies(item, name):
        return False
    return SOAK or _drawn(item.nodeid, SHARES[name in LEADING, _native(item)])


def some(everything: Sequence[One], count: int, draw: random.Random | None = None) -> list[One]:
    """Draw so many by the run's seed: all in a soak."""
    if SOAK:
        return list(everything)
    return (draw or random.Random(SEED)).sample(everything, min(count, len(everything)))


def _native(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("runtime") == "native"


def _drawn(identity: str, share: float) -> bool:
    digest = hashlib.sha256(f"{SEED}/{identity}".encode()).digest()
    return digest[0] / 256 < share


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
        (wanted & {"carrier", "messages"} and not traits.carries)
        or ("signal" in wanted and Topology.SIGNAL not in traits.topologies)
        or ("guard" in wanted and Topology.GUARD not in traits.topologies)
        or ("reader" in wanted and not traits.in_place)
        or ("driven" in wanted and not traits.native)
        or ("sending" in wanted and not traits.batch)
        or ("batching" in wanted and traits.in_place)
        or ("messages" in wanted and (topology is Topology.HUB or stream))
    )
