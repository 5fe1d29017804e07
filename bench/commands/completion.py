"""Values that a shell completes, for the arguments and options of all commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import click

from ipcbench.bench.results import axes

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]

PACES = ("closed", "pause:100us", "pause:1ms", "load:10", "load:50", "load:80", "poisson:50")
TIMES = ("30s", "90s", "3m", "10m", "1h")
SIZES = ("64", "1K", "4K", "16K", "64K", "256K", "1M", "4M", "6220800")  # the last: a frame
LISTS = ("transports", "profiles", "patterns", "placements", "waits", "tasks", "experiments")


def of(values: Callable[[], Iterable[str]]) -> Complete:
    """Complete the values that a function returns; it is called when a shell asks."""

    def complete(context: click.Context, option: click.Parameter, begun: str) -> list[str]:
        return [value for value in values() if value.startswith(begun)]

    return complete


def among(*values: str) -> Complete:
    """Complete these values."""
    return of(lambda: values)


def _transports() -> Iterable[str]:
    from ipcbench.transports.registry import names

    return names()


def _profiles() -> Iterable[str]:
    from ipcbench.bench.plan.profile import PROFILES

    files = (path for path in Path().glob("*.toml") if _is_profile(path))
    return [*PROFILES, *sorted(path.name for path in files)]


def _is_profile(path: Path) -> bool:
    """Tell whether a file looks like a profile, and not like one of the many others."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return False
    return "[[cells]]" in text or text.lstrip().startswith("extends")


def _patterns() -> Iterable[str]:
    from ipcbench.bench.patterns.table import PATTERNS

    return PATTERNS


def _tasks() -> Iterable[str]:
    from ipcbench.bench.decisions.tasks import TASKS

    return TASKS


def _experiments() -> Iterable[str]:
    from ipcbench.bench.experiments.table import EXPERIMENTS

    return EXPERIMENTS


def _listed() -> Iterator[str]:
    yield from LISTS
    yield from _transports()


def _compared() -> Iterable[str]:
    from ipcbench.bench.plan.profile import GATE

    return [GATE, *_profiles()]


transports = of(_transports)
profiles = of(_profiles)
compared_profiles = of(_compared)
arms = among("here", "rev:HEAD", "rev:main", "python:", "plugin:", "env:")
shares = among("2%", "5%", "10%", "20%")
patterns = of(_patterns)
tasks = of(_tasks)
experiments = of(_experiments)
listed = of(_listed)
placements = among(*axes.PLACEMENTS)
runtimes = among(*axes.RUNTIMES)
payloads = among(*axes.PAYLOADS)
waits = among(*(wait for wait in axes.WAITS if wait != axes.NO_WAIT))
sizes = among(*SIZES)
paces = among(*PACES)
times = among(*TIMES)
processes = among("1", "2", "4", "8", "16")
batches = among("1", "16", "64")
looks = among("100", "2000")
depths = among("1", "8", "64")
rounds = among("6", "12", "20")
