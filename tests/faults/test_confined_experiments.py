"""Experiments on machines that lack something: skipped with a reason, or played without it."""

from __future__ import annotations

import os

import pytest

from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.results.results import load
from tests.faults.confined import Confinement
from tests.faults.sweeps import Sandbox
from tests.faults.test_surroundings import shim
from tests.sampling import some

PROFILE = """
about = "All experiments, and one cell."
run = { rounds = 1, values = 1, warmups = 0, block = "1ms", stamps = 0, experiments = ["*"] }

[[cells]]
patterns = ["latency"]
transports = ["null"]
sizes = ["64"]
placements = ["same-core"]
"""
SYSV = ("msgget", "semget", "shmget")
LACKS = {
    "one CPU": Confinement(cpus=(min(os.sched_getaffinity(0)),)),
    "no System V IPC": Confinement(refused=dict.fromkeys(SYSV, "ENOSYS")),
    "no POSIX queues": Confinement(refused={"mq_open": "ENOSYS"}),
    "no POSIX memory": Confinement(namespaces=("mount",), tmpfs={"/dev/shm": "size=4k"}),
    "no descriptors": Confinement(limits={"RLIMIT_NOFILE": 40}),
    "no processes": Confinement(user=True, limits={"RLIMIT_NPROC": 8}),
    "no memfd and no eventfd": Confinement(refused={"memfd_create": "EPERM", "eventfd2": "EPERM"}),
    "no pidfd": Confinement(refused={"pidfd_open": "ENOSYS"}),
    "no semaphores": Confinement(refused={"semget": "EPERM"}),
}


@pytest.mark.parametrize("lack", some([*LACKS, "no bindings"], 2))
def test_what_is_missing_is_a_skip_and_nothing_is_left(sandbox: Sandbox, lack: str) -> None:
    profile = sandbox.folder / "all.toml"
    profile.write_text(PROFILE)
    more = {}
    if lack == "no bindings":
        for name in ("posix_ipc", "sysv_ipc"):
            path = shim(sandbox.folder / "none", name, f"raise ImportError('no wheel of {name}')")
        more = {"PYTHONPATH": path}
    done = sandbox.run(
        LACKS.get(lack, Confinement()), "run", "--profile", profile, "--keep-disturbed",
        "-o", sandbox.results, **more,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    results = load(sandbox.results)
    assert list(results.observations) == list(EXPERIMENTS), done.stderr
    for one in results.observations.values():
        assert not one.failed, (one.experiment, one.failed)
        assert one.skipped or one.figures or any("skipped" in row for row in one.rows), one
