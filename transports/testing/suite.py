"""All the tests of the contract in one class, and what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest

from transports import naming, registry
from transports.contract import (
    Framing,
    Lifetime,
    Sharing,
    Topology,
    Transport,
    Unavailable,
)
from transports.testing.carrying import CarryingTests
from transports.testing.dealing import DealingTests
from transports.testing.guarding import GuardingTests
from transports.testing.leaks import left_since, snapshot
from transports.testing.living import LivingTests
from transports.testing.polling import PollingTests
from transports.testing.reading import ReadingTests
from transports.testing.serving import ServingTests
from transports.testing.sharing import SharingTests
from transports.testing.signalling import SignallingTests
from transports.testing.stage import Stage

# The topologies that there are tests for.
TESTED = (
    Topology.LINK,
    Topology.FAN_IN,
    Topology.FAN_OUT,
    Topology.HUB,
    Topology.SIGNAL,
    Topology.GUARD,
)


class ContractTests(
    CarryingTests,
    DealingTests,
    ServingTests,
    PollingTests,
    ReadingTests,
    SignallingTests,
    GuardingTests,
    SharingTests,
    LivingTests,
):
    """Every test of the contract. Set `transport` in a class of your own."""

    transport: ClassVar[str | Transport]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "topology" in metafunc.fixturenames:
            try:
                named = _resolve(self.transport).traits.topologies
            except Unavailable:  # the fixture `stage` will say so
                named = frozenset(TESTED[:1])
            topologies = [topology for topology in TESTED if topology in named]
            metafunc.parametrize("topology", topologies, ids=lambda topology: topology.value)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def private_home(cls) -> Iterator[None]:
        """Ledgers and sockets apart from those of real sweeps; a socket's path must be short."""
        with TemporaryDirectory(prefix="ipcb-") as folder, pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)
            patch.delenv(naming.LEDGER_VARIABLE, raising=False)
            ledger = naming.current()
            yield
            naming.remove_all(ledger)

    @pytest.fixture(autouse=True)
    def nothing_left(self, private_home: None) -> Iterator[None]:
        """No kernel object, ledger, descriptor, mapping or process may stay behind."""
        before = snapshot()
        yield
        left = left_since(before)
        assert not left, f"left behind: {', '.join(map(str, left))}"

    @pytest.fixture
    def stage(self, nothing_left: None) -> Stage:
        """The transport and its limits; a test without it runs where there is none."""
        try:
            transport = _resolve(self.transport)
        except Unavailable as error:
            pytest.fail(error.reason)
        limits = transport.probe()
        if isinstance(limits, Unavailable):
            pytest.skip(f"{limits.reason} ({limits.remedy})")
        return Stage(transport, limits)

    @pytest.fixture
    def carrier(self, stage: Stage) -> Stage:
        """The same, for what carries something."""
        if not stage.transport.traits.carries:
            pytest.skip("it carries nothing")
        return stage

    @pytest.fixture
    def signal(self, stage: Stage) -> Stage:
        """The same, for what two processes wake each other by."""
        if Topology.SIGNAL not in stage.transport.traits.topologies:
            pytest.skip("it is no signal")
        return stage

    @pytest.fixture
    def guard(self, stage: Stage) -> Stage:
        """The same, for what processes exclude each other by."""
        if Topology.GUARD not in stage.transport.traits.topologies:
            pytest.skip("it is no guard")
        return stage

    @pytest.fixture
    def reader(self, stage: Stage) -> Stage:
        """The same, for what is read in place."""
        if not stage.transport.traits.in_place:
            pytest.skip("it copies to the receiver")
        return stage

    @pytest.fixture
    def messages(self, carrier: Stage, topology: Topology) -> Stage:
        """The same, for what keeps the borders of messages, and tells their lengths."""
        if topology is Topology.HUB:
            pytest.skip("a hub tells whose a message is")
        if carrier.transport.traits.framing is not Framing.MESSAGE:
            pytest.skip("it is a stream")
        return carrier

    @pytest.fixture
    def free_name(self, stage: Stage, tmp_path: Path) -> str | None:
        """A name for `Spec.name` that is free; None where the facility has no names."""
        traits = stage.transport.traits
        if traits.sharing is not Sharing.NAME or traits.lifetime is Lifetime.PROCESS:
            return None
        if traits.lifetime is Lifetime.FILE_SYSTEM:
            return str(tmp_path / "name")
        return "/" + naming.fresh_name()


def _resolve(transport: str | Transport) -> Transport:
    """Raises: Unavailable for a broken plug-in."""
    if not isinstance(transport, str):
        return transport
    found = registry.get(transport)
    if isinstance(found, registry.Broken):
        raise found.reason
    return found
