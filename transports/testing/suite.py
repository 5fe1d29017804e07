"""All tests of the contract in one class, and their fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest

from ipcbench.transports import registry
from ipcbench.transports.contract import (
    Framing,
    Lifetime,
    Sharing,
    Topology,
    Transport,
    Unavailable,
)
from ipcbench.transports.kernel_objects import fresh_name
from ipcbench.transports.kernel_objects.ledger import (
    LEDGER_VARIABLE,
    current,
    remove_all,
)
from ipcbench.transports.native import built
from ipcbench.transports.testing.attachment import AttachmentTests
from ipcbench.transports.testing.fan_out import FanOutTests
from ipcbench.transports.testing.hub import HubTests
from ipcbench.transports.testing.in_place import InPlaceTests
from ipcbench.transports.testing.kinds.file import AccessTests
from ipcbench.transports.testing.kinds.newest import NewestTests
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.lifecycle import LifecycleTests
from ipcbench.transports.testing.native_operations import NativeOperationsTests
from ipcbench.transports.testing.objects import ObjectTests
from ipcbench.transports.testing.programs.lengths import LengthTests
from ipcbench.transports.testing.programs.start_methods import StartMethodTests
from ipcbench.transports.testing.subject import Subject
from ipcbench.transports.testing.synchronisation import GuardTests, SignalTests
from ipcbench.transports.testing.transfer import TransferTests
from ipcbench.transports.testing.waiting import PollingTests, SpinningTests

# The topologies that have tests.
TESTED = (
    Topology.LINK,
    Topology.FAN_IN,
    Topology.FAN_OUT,
    Topology.HUB,
    Topology.SIGNAL,
    Topology.GUARD,
    Topology.FILE,
    Topology.NEWEST,
)


# Fixtures of tests that use endpoints: they run in both runtimes, where a transport has both.
# A test with the fixture `subject` only checks channels and tickets.
ON_ENDPOINTS = frozenset({"either", "carrier", "signal", "guard", "file", "newest", "reader"})


class ContractTests(
    TransferTests,
    FanOutTests,
    HubTests,
    PollingTests,
    SpinningTests,
    InPlaceTests,
    ObjectTests,
    SignalTests,
    GuardTests,
    AccessTests,
    NewestTests,
    NativeOperationsTests,
    AttachmentTests,
    LifecycleTests,
    LengthTests,
    StartMethodTests,
):
    """All tests of the contract. Set `transport` in a subclass."""

    transport: ClassVar[str | Transport]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        try:
            traits = _resolve(self.transport).traits
            named, native = traits.topologies, traits.native
        except Unavailable:  # the fixture `subject` reports it
            named, native = frozenset(TESTED[:1]), False
        wanted = set(metafunc.fixturenames)
        if native and wanted & ON_ENDPOINTS:
            metafunc.parametrize("runtime", ["python", "native"])
        elif native and "driven" in wanted:
            metafunc.parametrize("runtime", ["native"])
        if "topology" in metafunc.fixturenames:
            # What arrives of a newest value has tests of its own: it may be missed.
            sent = wanted & {"carrier", "messages", "stream"}
            topologies = [
                topology
                for topology in TESTED
                if topology in named and not (sent and topology is Topology.NEWEST)
            ]
            metafunc.parametrize("topology", topologies, ids=lambda topology: topology.value)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def private_home(cls) -> Iterator[None]:
        """Keep ledgers and sockets apart from those of real sweeps, in a short path."""
        with TemporaryDirectory(prefix="ipcb-") as folder, pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)
            patch.delenv(LEDGER_VARIABLE, raising=False)
            ledger = current()
            yield
            remove_all(ledger)

    @pytest.fixture(autouse=True)
    def nothing_left(self, private_home: None) -> Iterator[None]:
        """Check that no kernel object, ledger, descriptor, mapping or process is left behind."""
        before = snapshot()
        yield
        left = left_since(before)
        assert not left, f"left behind: {', '.join(map(str, left))}"

    @pytest.fixture
    def runtime(self) -> str:
        """Name the runtime that calls the operations: see `pytest_generate_tests`."""
        return "python"

    @pytest.fixture
    def subject(self, nothing_left: None, runtime: str) -> Subject:
        """Provide the transport and its limits; skip the test where it is unavailable."""
        missing = built() if runtime == "native" else None
        if missing is not None:
            pytest.skip(f"{missing.reason} ({missing.remedy})")
        try:
            transport = _resolve(self.transport)
        except Unavailable as error:
            pytest.fail(error.reason)
        limits = transport.probe()
        if isinstance(limits, Unavailable):
            pytest.skip(f"{limits.reason} ({limits.remedy})")
        if runtime == "native" and limits.native is not None:
            pytest.skip(f"{limits.native.reason} ({limits.native.remedy})")
        return Subject(transport, limits, native=runtime == "native")

    @pytest.fixture
    def either(self, subject: Subject) -> Subject:
        """Provide the transport for tests that use endpoints, in both runtimes."""
        return subject

    @pytest.fixture
    def carrier(self, subject: Subject) -> Subject:
        """Provide a transport that carries data."""
        if not subject.transport.traits.carries:
            pytest.skip("it carries nothing")
        return subject

    @pytest.fixture
    def stream(self, subject: Subject) -> Subject:
        """Provide a byte stream, by its calls in Python: compiled loops know what they send."""
        traits = subject.transport.traits
        if traits.framing is not Framing.STREAM or not traits.carries:
            pytest.skip("it keeps the boundaries of messages")
        return subject

    @pytest.fixture
    def signal(self, subject: Subject) -> Subject:
        """Provide a transport that is a signal."""
        return _having(Topology.SIGNAL, subject, "it is not a signal")

    @pytest.fixture
    def guard(self, subject: Subject) -> Subject:
        """Provide a transport that is a guard."""
        return _having(Topology.GUARD, subject, "it is not a guard")

    @pytest.fixture
    def file(self, subject: Subject) -> Subject:
        """Provide a transport that is a way of access to a file."""
        return _having(Topology.FILE, subject, "it is no way of access to a file")

    @pytest.fixture
    def newest(self, subject: Subject) -> Subject:
        """Provide a transport of a newest value."""
        return _having(Topology.NEWEST, subject, "it does not keep the newest value")

    @pytest.fixture
    def reader(self, subject: Subject) -> Subject:
        """Provide a transport whose messages are read in place."""
        if not subject.transport.traits.in_place:
            pytest.skip("it copies to the receiver")
        return subject

    @pytest.fixture
    def messages(self, carrier: Subject, topology: Topology) -> Subject:
        """Provide a transport that keeps message boundaries and reports lengths."""
        if topology is Topology.HUB:
            pytest.skip("a hub reports the client, not the length")
        if carrier.transport.traits.framing is not Framing.MESSAGE:
            pytest.skip("it is a stream")
        return carrier

    @pytest.fixture
    def free_name(self, subject: Subject, tmp_path: Path) -> str | None:
        """Provide a free name for `Spec.name`; None where the facility has no names."""
        traits = subject.transport.traits
        if traits.sharing is not Sharing.NAME or traits.lifetime is Lifetime.PROCESS:
            return None
        if traits.lifetime is Lifetime.FILE_SYSTEM:
            return str(tmp_path / "name")
        return "/" + fresh_name()


def _having(topology: Topology, subject: Subject, lack: str) -> Subject:
    """Return the subject, or skip the test where its transport lacks the topology."""
    if topology not in subject.transport.traits.topologies:
        pytest.skip(lack)
    return subject


def _resolve(transport: str | Transport) -> Transport:
    """Return the transport. Raises: Unavailable for a broken plug-in."""
    return registry.transport(transport) if isinstance(transport, str) else transport
