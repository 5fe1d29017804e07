"""The compiled part: optional, so that a machine without a compiler gets all the rest."""

from __future__ import annotations

import json
import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CI = bool(os.environ.get("CI"))  # there a build that fails is an error, and so is a warning

# Python's own flags come first, those of CFLAGS too. A debug Python has -O0 or -Og, by which the
# compiled loops would be slow, so the level is set here.
FLAGS = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-fno-strict-aliasing"]
if CI:  # a newer compiler's new warning must not cost a user the runtime
    FLAGS.append("-Werror")
FLAGS += os.environ.get("IPCBENCH_CFLAGS", "").split()

NATIVE = Path("ipcbench/transports/native")
LOOPS = Path("ipcbench/bench/loops")
HEADERS = [str(path) for path in sorted(NATIVE.glob("*.h"))]

NO_CODE = ("-I", "-W", "-ffile-prefix-map", "-fdebug-prefix-map", "-fmacro-prefix-map")


def that_count(flags: list[str]) -> str:
    """Return the flags that change the code; of several levels of optimization, the last."""
    levels = [flag for flag in flags if flag.startswith("-O")]
    others = [
        flag for flag in flags if flag.startswith("-Wp,") or not flag.startswith(("-O", *NO_CODE))
    ]
    return " ".join([*levels[-1:], *others])


class Build(build_ext):
    """The build, which writes its flags into the modules: `BUILD` of _native."""

    def build_extension(self, extension: Extension) -> None:
        command = [*self.compiler.compiler_so, *extension.extra_compile_args]
        flags = [word for word in command if word.startswith("-")]  # not "ccache gcc"
        extension.define_macros.append(("IPCBENCH_FLAGS", json.dumps(that_count(flags))))
        super().build_extension(extension)


setup(
    cmdclass={"build_ext": Build},
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
            depends=[*(str(path) for path in sorted(LOOPS.glob("*.h"))), *HEADERS],
            extra_compile_args=FLAGS,
            include_dirs=["ipcbench"],
            optional=not CI,
        ),
    ],
)
