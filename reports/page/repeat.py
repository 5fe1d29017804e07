"""The command line that repeats a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ipcbench.bench.results.results import Results

_NO_PART = ("--open", "--json")  # of what is measured


def repeat(results: Results) -> str:
    """Write the command line that repeats the measurement, in the same order.

    It has no folder: the one of this run is refused, since it holds a run.
    """
    words = [word for word in _without_folder(results.header.command) if word not in _NO_PART]
    options = {word.partition("=")[0] for word in words}
    if "--seed" not in options:
        words += ["--seed", str(results.header.seed)]
    if results.header.keep_disturbed and "--keep-disturbed" not in options:
        words.append("--keep-disturbed")  # the environment asked for it
    return shlex.join(words)


def _without_folder(words: Iterable[str]) -> list[str]:
    """Leave out `-o DIR`, `-oDIR`, `--output DIR` and `--output=DIR`."""
    kept, rest = [], iter(words)
    for word in rest:
        if word in ("-o", "--output"):
            next(rest, None)
        elif not word.startswith(("-o", "--output=")):
            kept.append(word)
    return kept
