"""The console script; `python -m ipcbench` is the same."""

import sys
from os.path import dirname  # loaded already, unlike pathlib
from typing import NoReturn

# `python -m` looks into the current folder first, where others may have put modules.
if (
    __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] != dirname(dirname(__file__))  # noqa: PTH120
):
    del sys.path[0]

from ipcbench.bench.machine import interrupts


def main() -> NoReturn:
    """Run the command; a signal while it is imported ends it in one line."""
    interrupts.end_at_once()
    from ipcbench.bench.cli import main as run

    run()


if __name__ == "__main__":
    main()
