"""The command line that repeats a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ipcbench.bench.results.results import Results


def repeat(results: Results) -> str:
    """Write the command line that repeats the measurement, in the same order.

    It has no folder: the one of this run is refused, since it holds a run.
    """
    words = _without_folder(results.header.command)
    command = shlex.join(words)
    if any(word.partition("=")[0] == "--seed" for word in words):
        return command
    return f"{command} --seed {results.header.seed}"


def _without_folder(words: Iterable[str]) -> list[str]:
    """Leave out `-o DIR`, `-oDIR`, `--output DIR` and `--output=DIR`."""
    kept, rest = [], iter(words)
    for word in rest:
        if word in ("-o", "--output"):
            next(rest, None)
        elif not word.startswith(("-o", "--output=")):
            kept.append(word)
    return kept
