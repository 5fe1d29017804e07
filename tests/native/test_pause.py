"""Tests of the pause of a process that spins, by each compiler that is installed."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess

import pytest

from ipcbench.transports.native import header
from tests.compiling import COMPILER, lacking

# By machine: the compiler of Debian's package of that name, and the instruction. ARM's `yield` does
# nothing on cores with one thread.
PAUSES = {
    "x86_64": ("gcc-x86-64-linux-gnu", r"pause|rep;?\s+nop"),
    "aarch64": ("gcc-aarch64-linux-gnu", "isb"),
    "armv7l": ("gcc-arm-linux-gnueabihf", "isb"),
    "riscv64": ("gcc-riscv64-linux-gnu", "0x100000f"),
    "ppc64le": ("gcc-powerpc64le-linux-gnu", "or 1,1,1"),
}
SOURCE = '#include "spinning.h"\nvoid between_looks(void) { ipcbench_pause(); }\n'


def compiler_for(machine: str) -> str | None:
    """Return a compiler that makes code for a machine, or None."""
    if machine == platform.machine():
        return None if lacking() else COMPILER
    package, _ = PAUSES[machine]
    name = package.removeprefix("gcc-").replace("x86-64", "x86_64") + "-gcc"
    return shutil.which(name)


@pytest.mark.parametrize("machine", PAUSES)
def test_a_pause_is_an_instruction(machine: str) -> None:
    package, instruction = PAUSES[machine]
    compiler = compiler_for(machine)
    if compiler is None:
        pytest.skip(f"no compiler for {machine}: apt-get install {package}")
    done = subprocess.run(
        [compiler, "-O2", "-std=gnu11", "-S", f"-I{header()}", "-x", "c", "-o", "-", "-"],
        input=SOURCE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(instruction, done.stdout)
