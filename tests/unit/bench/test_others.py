"""bench.machine.others: the CPU time of other processes, and their names."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ipcbench.bench.machine import others
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.machine.others import Look, _process, between, look
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.sweep.fitness.finding import Finding, note, ok, warning
from ipcbench.bench.sweep.fitness.other_load import about_others
from ipcbench.bench.sweep.fitness.verdict import verdict

TICK = 1 / os.sysconf("SC_CLK_TCK")


def stat(name: str, parent: int, ticks: int, children: int = 0, started: int = 1) -> str:
    """Write a line of proc_pid_stat(5)."""
    fields = ["S", parent, 0, 0, 0, 0, 0, 0, 0, 0, 0, ticks, 0, children, 0, 0, 0, 0, 0, started]
    return f"7 ({name}) {' '.join(map(str, fields))}\n"


def a_look(at: float, busy: int, **processes: str) -> Look:
    """Make a look: ticks of CPU 0, and processes as `p7=stat(…)`."""
    found = {int(key[1:]): _process(text) for key, text in processes.items()}
    assert all(found.values())
    return Look(at, {0: Ticks(round(at / TICK), busy, 0, 0)}, found)  # type: ignore[arg-type]


def test_the_time_of_others_is_what_this_command_and_its_own_have_not_used() -> None:
    before = a_look(0.0, 0, p7=stat("ours", 1, 0), p8=stat("worker", 7, 0), p9=stat("x", 1, 50))
    after = a_look(1.0, 90, p7=stat("ours", 1, 20), p8=stat("worker", 7, 20), p9=stat("x", 1, 98))
    found = between(before, after, [0], own=7)
    assert round(found.share, 2) == 0.48  # 90 - 40, and two ticks that readings may be off
    (busiest,) = found.busiest
    assert (busiest.pid, busiest.name, round(busiest.share, 2)) == (9, "x", 0.48)
    assert str(busiest) == "x (process 9, 48 % of a CPU)"


def test_own_processes_that_have_ended_are_not_others() -> None:
    before = a_look(0.0, 0, p7=stat("ours", 1, 0), p8=stat("worker", 7, 30))
    after = a_look(1.0, 60, p7=stat("ours", 1, 10, children=80))  # 30 of these before
    assert between(before, after, [0], own=7).share == 0.0


def test_threads_of_the_kernel_are_not_named() -> None:
    before = a_look(0.0, 0, p2=stat("kthreadd", 0, 0), p3=stat("kworker/0:1", 2, 0))
    after = a_look(1.0, 50, p2=stat("kthreadd", 0, 0), p3=stat("kworker/0:1", 2, 50))
    assert between(before, after, [0], own=7).busiest == ()


def test_a_pid_that_another_process_has_got_starts_anew() -> None:
    before = a_look(0.0, 0, p9=stat("old", 1, 5000))
    after = a_look(1.0, 60, p9=stat("new", 1, 60, started=9))
    assert between(before, after, [0], own=7).names == "new (process 9, 60 % of a CPU)"


def test_a_name_may_be_anything() -> None:
    assert _process(stat("a) (b\n\x1b[2J", 1, 0)).name.isprintable()  # type: ignore[union-attr]
    assert _process("") is None
    assert _process("7 (gone) Z") is None


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    first, second = look(tmp_path), look(tmp_path)
    found = between(first, second, [0])
    assert (found.share, found.steal, found.busiest) == (0.0, 0.0, ())


def test_a_busy_process_is_found() -> None:
    before = look()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            time.sleep(0.5)
            after = look()
        finally:
            process.kill()
    found = between(before, after, os.sched_getaffinity(0), own=2)  # of which it is no child
    assert found.share > 0
    assert process.pid in after.processes
    pids = {one.pid for one in found.busiest}
    assert process.pid in pids or len(pids) == others.NAMED  # other programs may be busier


def told(share: float, *busiest: others.Busy) -> Finding:
    return about_others(others.Others(share, 0.0, busiest))


def test_the_finding_on_others_names_them_and_what_to_do() -> None:
    assert told(0.04).severity is Severity.OK
    assert told(0.1).severity is Severity.WARNING
    found = told(0.9, others.Busy(9, "x", 0.8))
    assert found.severity is Severity.PROBLEM
    assert found.text == "they take 90 % of a CPU, most of it x (process 9, 80 % of a CPU)"
    assert "ps -fp 9" in found.remedy
    assert "hidden from here" in told(0.9).text


def test_the_verdict_is_that_of_the_worst_finding() -> None:
    fine = [ok("CPUs", "2"), note("huge pages", "none")]
    assert str(verdict(fine)) == "fit to measure on"
    assert verdict(fine).exit_code == 0
    found = verdict([*fine, warning("governor", "powersave"), warning("load", "1")])
    assert (str(found), found.exit_code) == ("fit with reservations: governor, load", 0)
    problem = Finding(Severity.PROBLEM, "steal", "much")
    found = verdict([*fine, warning("governor", "powersave"), problem])
    assert (str(found), found.exit_code) == ("not fit to measure on: steal", 2)
