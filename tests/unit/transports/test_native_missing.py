"""Where the compiled part is missing, all of the rest is there, and says why that is not."""

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
from ipcbench.bench.sweep.sweep import candidate, site
from ipcbench.bench.plan.profile import Options, load_profile, with_options
from ipcbench.bench.commands.list import transports
from ipcbench.bench.sweep.fitness import examine
from ipcbench.transports.contract import Role, Spec, Topology, Transport
from ipcbench.transports.registry import get, names
import ipcbench.transports.native as native

why = missing()
profile = with_options(load_profile("smoke"), Options(transports=("pipe",), runtimes=("native",)))
found = plan(list(cells_of(profile.axes, lambda pattern: ["pipe"])), candidate, site())
capsules = {}
if native.built() is not None:
    for name in names():
        transport = get(name)
        if Topology.FAN_IN not in transport.traits.topologies:
            continue
        if name.endswith("/huge"):  # few machines have huge pages
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
}))
"""


@pytest.fixture(
    scope="module", params=["ipcbench.transports.native._native", "ipcbench.bench.loops._loops"]
)
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request.param],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    found["blocked"] = request.param
    return found


def test_what_is_missing_and_what_to_do(told: dict[str, Any]) -> None:
    reason, remedy = told["why"]
    assert reason.startswith("the native runtime is not built here: ")
    assert told["blocked"] in reason
    assert remedy == REMEDY


def test_native_cells_are_skips_with_that_reason(told: dict[str, Any]) -> None:
    assert told["planned"] == 0
    assert told["skips"] == [told["why"]]


def test_list_and_doctor_tell_it(told: dict[str, Any]) -> None:
    reason, remedy = told["why"]
    assert told["listed"]["pipe"] == {"available": False, "reason": reason, "remedy": remedy}
    assert told["listed"]["mp-pipe"]["reason"] == "it has no native operations"
    (said,) = told["doctor"]
    assert reason in said


def test_endpoints_have_no_operations(told: dict[str, Any]) -> None:
    if told["blocked"] == "ipcbench.transports.native._native":
        assert len(told["no capsule"]) == 4
    assert all(told["no capsule"].values())


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
