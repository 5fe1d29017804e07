"""Quotas and throttled time (settings.cpu_quota), of control groups of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.machine.settings.cpu_quota import quotas
from tests.unit.bench.test_cpu_time import put

SECOND = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
FIRST = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
CONTAINER = "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"
V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, []),
        ({"proc/self/cgroup": "0::/\n"}, []),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "proc/self/mountinfo": SECOND,
                f"{V2}/cpu.max": "50000 100000\n",
                f"{V2}/cpu.stat": "usage_usec 7\nnr_throttled 3\nthrottled_usec 40000\n",
            },
            [("cpu.max", 0.5, 0.04)],
        ),
        (  # no quota here, and one above
            {
                "proc/self/cgroup": "0::/a/b\n",
                "proc/self/mountinfo": SECOND,
                f"{V2}/a/b/cpu.max": "max 100000\n",
                f"{V2}/a/cpu.max": "200000 100000\n",
            },
            [("cpu.max", 2.0, 0.0)],
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n2:cpu,cpuacct:/x\n",
                "proc/self/mountinfo": SECOND + FIRST,
                f"{V1}/x/cpu.cfs_quota_us": "25000\n",
                f"{V1}/x/cpu.cfs_period_us": "100000\n",
                f"{V1}/x/cpu.stat": "nr_periods 9\nthrottled_time 40000000\n",
                f"{V1}/cpu.cfs_quota_us": "-1\n",
                f"{V1}/cpu.cfs_period_us": "100000\n",
            },
            [("cpu.cfs_quota_us", 0.25, 0.04)],
        ),
        (  # the mount's root is the group itself
            {
                "proc/self/cgroup": "1:cpu:/docker/abc\n",
                "proc/self/mountinfo": CONTAINER,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            [("cpu.cfs_quota_us", 1.0, 0.0)],
        ),
        ({"proc/self/cgroup": "nonsense\n", "proc/self/mountinfo": "nonsense\n"}, []),
    ],
    ids=["no files", "no mount", "2", "2, above", "1", "1, a container", "nonsense"],
)
def test_quotas_of_this_process(
    tmp_path: Path, files: dict[str, str], found: list[tuple[str, float, float]]
) -> None:
    put(tmp_path, files)
    assert [(one.setting, one.cpus, one.throttled()) for one in quotas(tmp_path)] == found
