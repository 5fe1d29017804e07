"""Detection of a C compiler and Python.h, for tests that compile a module of their own."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from functools import cache

COMPILER = "cc"
HEADERS = tuple(f"-I{sysconfig.get_path(kind)}" for kind in ("include", "platinclude"))


@cache
def lacking() -> str:
    """Name the missing part and its remedy; empty if a module can be compiled."""
    if shutil.which(COMPILER) is None:
        return "there is no C compiler: apt-get install gcc"
    command = [COMPILER, *HEADERS, "-fsyntax-only", "-x", "c", "-"]
    tried = subprocess.run(command, input="#include <Python.h>\n", capture_output=True, text=True)
    return "there is no Python.h: apt-get install python3-dev" if tried.returncode else ""
