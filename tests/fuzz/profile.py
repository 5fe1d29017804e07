"""A profile, from the file to the plan on this machine."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib.resources import files

from ipcbench.bench.errors import SweepError
from ipcbench.bench.plan.options import Options, with_options
from ipcbench.bench.plan.profile import (
    PROFILES,
    BadConfig,
    parse_profile,
)
from ipcbench.bench.rounds.order import Shuffle
from ipcbench.bench.sweep.plans.planning import planned
from ipcbench.transports.registry import UnknownTransport
from tests.fuzz import harmless, toml
from tests.unit.bench.test_profile import PROFILE

_AXES = """processes = [4, 8]
waits = ["block", "spin-block"]
looks = [100, 2000]
batches = [1, 16]
payloads = ["hot", "fresh"]
paces = ["closed"]"""

SEEDS = [
    PROFILE.encode(),
    PROFILE.replace("processes = [4, 8]", _AXES).encode(),
    PROFILE.replace("[[controls]]", "[[controls]]\nslowed = 5").encode(),
    *((files("ipcbench.bench") / "profiles" / f"{name}.toml").read_bytes() for name in PROFILES),
]
_WORDS = (
    '"latency"', '"stream"', '"counter"', '"signal"', '"fan-out"', '"pairs"', '"echo"', '"state"',
    '"*"', '"**"', '"shm:*"', '"[a-z]*"', '"[!"', '"null"', '"mp-queue"', '"0"', '"1G"',
    '"999999999999999G"',
    '"same-core"', '"cross-core-awake"', '"unpinned"', "2", "3", "64", "65", "1000000", "1000001",
    '"999999999h"', '"0.000000001ms"', '"0"', '"1"', "[1, 2]", '["pipe"]',
    '"standard"', '"mine.toml"',
    '"poll"', '"spin"', '"spin-block"', '"cold"', '"smt"', '"shm:posix+spin"', '"pause:1ms"',
    '"pause:0us"', "1024", "1025",
)  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    return toml.mutated(data, rng, _WORDS)


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    try:
        profile = parse_profile("fuzz", data)
        found = planned(with_options(profile, Options()))
    except (BadConfig, UnknownTransport, SweepError) as error:
        harmless.line(str(error))
        return str(error)
    found.digest()
    found.controls_for({one.cell.id for one in found.cells})
    assert len(Shuffle(1, 1).order(found.cells)) == len(found.cells)
    return ""


one: Callable[[bytes], object] = outcome
