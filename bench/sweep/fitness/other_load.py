"""Finding on the work of other processes, for `doctor` and for the start of a sweep. Pure."""

from __future__ import annotations

from ipcbench.bench.machine.others import Others
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_share
from ipcbench.bench.sweep.disturbance import LIMIT
from ipcbench.bench.sweep.fitness.finding import Finding

TOPIC = "other processes"
BUSY = 0.25  # of a CPU: a process that works, beside which many runs are void
UNSEEN = "they are hidden from here, or come and go"


def about_others(found: Others) -> Finding:
    """Tell of the CPU time that others take, and name them."""
    share = f"they take {human_share(found.share)} of a CPU"
    if found.share <= LIMIT:
        return Finding(Severity.OK, TOPIC, share)
    severity = Severity.PROBLEM if found.share > BUSY else Severity.WARNING
    if found.busiest:
        pids = ",".join(str(one.pid) for one in found.busiest)
        remedy = f"stop other programs, these first: ps -fp {pids} shows them"
        return Finding(severity, TOPIC, f"{share}, most of it {found.names}", remedy)
    remedy = "stop other programs and containers, which top(1) shows on the host"
    return Finding(severity, TOPIC, f"{share}: {UNSEEN}", remedy)
