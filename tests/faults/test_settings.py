"""Settings that make calls dear: recorded, told, and gone once the remedy is obeyed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ipcbench.bench.results.results import load
from ipcbench.bench.results.slowdowns import Slowdown, slowdowns
from tests.e2e.command import DEADLINE, environment, ipcbench
from tests.faults.confined import CANNOT, Confinement

SHOW = [
    "-c",
    "import json; from ipcbench.bench.machine.settings.settings import settings;"
    "print(json.dumps(settings(0)))",
]
READ = [sys.executable, *SHOW]
MODES = ("PYTHONMALLOC", "PYTHONDEVMODE", "PYTHONTRACEMALLOC")


def told(command: list[str], **more: str) -> dict[str, Slowdown]:
    """Return the settings that make calls of this command dear, without those of this test run."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(**(dict.fromkeys(MODES, "") | more)),
        check=False,
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return {one.topic: one for one in slowdowns(json.loads(done.stdout))}


def test_a_filter_of_system_calls_is_seen() -> None:
    usual = "seccomp" in told(READ)
    found = told(Confinement(refused={"mknodat": "EPERM"}).wrapped(READ))
    assert "seccomp=unconfined" in found["seccomp"].remedy
    if not usual:
        assert found["seccomp"].text.startswith("1 filter")


@pytest.mark.skipif(os.getpriority(os.PRIO_PROCESS, 0) != 0, reason="this run is nice")
def test_niceness_is_seen() -> None:
    assert "nice" not in told(READ)
    assert told(["nice", "-n", "7", *READ])["nice"].text.startswith("7, not 0")


@pytest.mark.skipif(shutil.which("chrt") is None, reason="there is no chrt(1)")
def test_a_policy_is_seen_until_the_remedy_is_obeyed() -> None:
    found = told(["chrt", "--batch", "0", *READ])["scheduling policy"]
    assert found.text.startswith("SCHED_BATCH")
    assert "chrt --other 0 ipcbench" in found.remedy
    assert "scheduling policy" not in told(["chrt", "--batch", "0", "chrt", "--other", "0", *READ])


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace(1)")
def test_a_tracer_of_the_runs_is_seen_and_one_of_the_command_alone_is_not() -> None:
    assert told(["strace", "-f", "-o", "/dev/null", *READ])["tracer"].text.startswith("process ")
    assert "tracer" not in told(["strace", "-o", "/dev/null", *READ])


def test_modes_of_python_are_seen() -> None:
    found = told(READ, PYTHONMALLOC="debug", PYTHONDEVMODE="1")
    assert found["PYTHONMALLOC"].remedy == "unset PYTHONMALLOC"
    assert "PYTHONDEVMODE" in found["Python's modes"].remedy
    assert not {"PYTHONMALLOC", "Python's modes"} & set(told(READ))


def test_an_option_of_the_command_does_not_reach_the_runs() -> None:
    """`-X dev` is not passed on to the processes that are measured: nothing is to be told."""
    assert told([sys.executable, "-X", "dev", *SHOW]) == told(READ)


def test_doctor_the_journal_and_the_page_have_them(tmp_path: Path) -> None:
    doctor = ipcbench("doctor", "--json", PYTHONMALLOC="debug")
    findings: list[dict[str, Any]] = json.loads(doctor.stdout)["findings"]
    (found,) = (one for one in findings if one["topic"] == "PYTHONMALLOC")
    assert (found["severity"], found["remedy"]) == ("warning", "unset PYTHONMALLOC")
    done = ipcbench(
        "run", "--profile", "smoke", "--clock", "fake", "-t", "mp-pipe", "--pattern", "latency",
        "-s", "64", "-o", tmp_path / "run", PYTHONMALLOC="debug",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "run").header.machine.settings
    assert settings["PYTHONMALLOC"] == "debug"
    assert {"nice", "scheduling policy", "preemption", "Python's build"} <= set(settings)
    page = (tmp_path / "run/report.html").read_text()
    assert "PYTHONMALLOC debug, which checks each block of memory" in page
    assert "<dt>Python&#39;s build</dt>" in page
