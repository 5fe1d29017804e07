"""`python -m ipcbench` is `ipcbench`."""

import sys
from os.path import dirname  # loaded already, unlike pathlib

# `python -m` looks into the current folder first, where others may have put modules.
if not sys.flags.safe_path and sys.path[0] != dirname(dirname(__file__)):  # noqa: PTH120
    del sys.path[0]

from ipcbench.bench.cli import main

main()
