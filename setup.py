"""The compiled part: optional, so that a machine without a compiler gets all the rest."""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup

CI = bool(os.environ.get("CI"))  # there a build that fails is an error, and so is a warning

FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-fno-strict-aliasing"]
if CI:  # a newer compiler's new warning must not cost a user the runtime
    FLAGS.append("-Werror")
FLAGS += os.environ.get("IPCBENCH_CFLAGS", "").split()

NATIVE = Path("ipcbench/transports/native")
HEADERS = [str(path) for path in sorted(NATIVE.glob("*.h"))]

setup(
    ext_modules=[
        Extension(
            "ipcbench.transports.native._native",
            [str(path) for path in sorted(NATIVE.glob("*.c"))],
            depends=HEADERS,
            extra_compile_args=FLAGS,
            libraries=["rt", "pthread"],
            optional=not CI,
        ),
        Extension(
            "ipcbench.bench.loops._loops",
            ["ipcbench/bench/loops/_loops.c"],
            depends=["ipcbench/bench/loops/_loops.h", *HEADERS],
            extra_compile_args=FLAGS,
            include_dirs=["ipcbench"],
            optional=not CI,
        ),
    ]
)
