"""Settings of the interpreter that measures.

The processes of a run come from a fork server, an interpreter that is started as
`python -m …`: it has the environment of the command, but none of its options (`-X dev`) and
hooks. So an interpreter that is started in the same way is asked.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
import tracemalloc
from functools import cache

from ipcbench.bench.machine.text import status
from ipcbench.bench.results.slowdowns import (
    ALLOCATOR,
    DEBUG,
    HOOKS,
    NATIVE_BUILD,
    PYTHON_BUILD,
    PYTHON_MODES,
    TRACER,
    UNOPTIMIZED,
)
from ipcbench.transports.native import operations

START_TIME = 30.0  # seconds for an interpreter to start and to answer


@cache
def of_workers() -> dict[str, str]:
    """Ask an interpreter that is started as the fork server is; {} where that fails."""
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "ipcbench.bench.machine.settings.interpreter"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=START_TIME,
            check=True,
        ).stdout
        found = dict(json.loads(answer))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def settings() -> dict[str, str]:
    """Return the settings of this interpreter; "" for what is at its default."""
    return {
        ALLOCATOR: os.environ.get("PYTHONMALLOC", ""),
        TRACER: _tracer(),
        PYTHON_MODES: ", ".join(_modes()),
        HOOKS: ", ".join(_hooks()),
        PYTHON_BUILD: ", ".join(_python_build()),
        NATIVE_BUILD: getattr(operations, "BUILD", ""),
    }


def _tracer() -> str:
    """Name the tracer, which may trace the command alone: strace(1), option -f."""
    pid = status("TracerPid")
    return f"process {pid}" if pid.strip("0") else ""


def _modes() -> list[str]:
    perf = getattr(sys, "is_stack_trampoline_active", None)  # Python 3.12
    modes = {
        "development mode": sys.flags.dev_mode,
        "tracemalloc": tracemalloc.is_tracing(),
        "perf support": perf is not None and perf(),
    }
    return [name for name, active in modes.items() if active]


def _hooks() -> list[str]:
    found = [
        name
        for name, hook in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile()))
        if hook is not None
    ]
    monitoring = getattr(sys, "monitoring", None)  # Python 3.12
    tools = [] if monitoring is None else [monitoring.get_tool(number) for number in range(6)]
    return found + [f"sys.monitoring by {tool}" for tool in tools if tool]


def _python_build() -> list[str]:
    """Return the compiler and what decides the speed of its code: `GCC 13.2.0, -O3, PGO, LTO`."""
    flags = f"{_config('OPT')} {_config('CFLAGS')}".split()
    levels = [flag for flag in flags if flag.startswith("-O")]
    arguments = _config("CONFIG_ARGS")
    level = levels[-1] if levels else "-O0"
    optimized = level not in ("-O0", "-Og")
    gil = getattr(sys, "_is_gil_enabled", None)  # Python 3.13
    parts = {
        " ".join(platform.python_compiler().split()): True,
        level: optimized,
        f"{level} ({UNOPTIMIZED})": not optimized,
        "PGO": "--enable-optimizations" in arguments,
        "LTO": "--with-lto" in arguments,
        f"{DEBUG} build": hasattr(sys, "gettotalrefcount"),
        "without the GIL": gil is not None and not gil(),
    }
    return [part for part, holds in parts.items() if holds]


def _config(name: str) -> str:
    return str(sysconfig.get_config_var(name) or "")


def main() -> None:
    """Print the settings of this interpreter."""
    print(json.dumps(settings()))


if __name__ == "__main__":
    main()
