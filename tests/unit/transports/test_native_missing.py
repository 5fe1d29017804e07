"""Tests without the compiled part: everything else works, and gives the reason and a remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ipcbench.transports.native import REMEDY
from tests.e2e.command import environment

# In a process of its own: modules that are blocked stay so. None in `sys.modules` makes an
# import fail as that of a module that was never built does.
PROGRAM = """
import json, sys, time
sys.modules[sys.argv[1]] = None
from ipcbench.bench.loops.native_loops import missing
from ipcbench.bench.plan.planner import plan, cells_of
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.plan.options import Options, with_options
from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.commands.listing.transports import transports
from ipcbench.bench.sweep.fitness.examination import examine
from ipcbench.transports.contract import Role, Spec, Topology, Transport, Unavailable
from ipcbench.transports.registry import get, names
import ipcbench.transports.native as native

why = missing()
profile = with_options(load_profile("smoke"), Options(runtimes=("native",)))
found = plan(list(cells_of(profile.axes, lambda pattern: ["pipe"])), candidate, site())
capsules, refused = {}, []
alone = ("pthread-cond", "pthread-mutex", "robust-mutex", "futex-mutex", "spin-lock")
if native.built() is not None:
    for name in names():
        transport = get(name)
        if Topology.FAN_IN not in transport.traits.topologies:
            continue
        if name.endswith("/huge"):  # few machines have huge pages
            continue
        if isinstance(transport.probe(), Unavailable):
            refused.append(name)
            continue
        channel = transport.create(Spec(8, Topology.FAN_IN, 2))
        ticket = channel.ticket(Role.RECEIVER, 0)
        if name in ("pipe", "sysv-queue", "posix-queue", "shm:posix+posix-sem"):
            end = transport.attach(ticket, time.monotonic() + 5)
            capsules[name] = end.native() is None
            end.close()
        ticket.close()
        channel.close()
        channel.unlink()
print(json.dumps({
    "why": None if why is None else [why.reason, why.remedy],
    "planned": len(found.cells),
    "skips": sorted({(skip.reason, skip.remedy) for _, skip in found.skipped}),
    "listed": {entry["name"]: entry["native"] for entry in transports() if "native" in entry},
    "doctor": [one.text for one in examine() if one.topic == "native runtime"],
    "no capsule": capsules,
    "refused": refused,
    "in C alone": [
        [found.reason, found.remedy]
        for found in (get(name).probe() for name in alone)
        if isinstance(found, Unavailable)
    ],
}))
"""


@pytest.fixture(
    scope="module", params=["ipcbench.transports.native._native", "ipcbench.bench.loops._loops"]
)
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Run the program with one compiled module blocked; return what it has found."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request.param],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"blocked": request.param}


def test_the_reason_and_the_remedy(found: dict[str, Any]) -> None:
    reason, remedy = found["why"]
    assert reason.startswith("the native runtime is not built here: ")
    assert found["blocked"] in reason
    assert remedy == REMEDY


def test_native_cells_are_skips_with_that_reason(found: dict[str, Any]) -> None:
    assert found["planned"] == 0
    assert found["skips"] == [found["why"]]


def test_list_and_doctor_report_it(found: dict[str, Any]) -> None:
    reason, remedy = found["why"]
    assert found["listed"]["pipe"] == {"available": False, "reason": reason, "remedy": remedy}
    assert found["listed"]["mp-pipe"]["reason"] == "it has no native operations"
    (said,) = found["doctor"]
    assert reason in said


def test_endpoints_have_no_operations(found: dict[str, Any]) -> None:
    if found["blocked"] == "ipcbench.transports.native._native":
        assert len(found["no capsule"]) == 4
    assert all(found["no capsule"].values())


def test_what_only_c_can_use_is_unavailable(found: dict[str, Any]) -> None:
    if found["blocked"] == "ipcbench.transports.native._native":
        assert found["in C alone"] == [found["why"]] * 5
        assert found["refused"] == ["shm:posix+pthread-cond"]
    else:
        assert found["in C alone"] == found["refused"] == []


WITHOUT_TEXT = """
import sys

class Finder:
    def find_spec(self, name, *_):
        if name.endswith("._native"):
            raise ImportError

sys.meta_path.insert(0, Finder())
from ipcbench.transports.native import build, built
assert "ImportError" in built().reason
assert build("null", None) is None
"""


def test_an_import_error_without_text_is_a_missing_part() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TEXT], check=True, env=environment())
