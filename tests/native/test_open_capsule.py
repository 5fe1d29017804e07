"""Tests of open_capsule.h: one side may have a longer `struct ipcbench_ops`."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.transports.native import built, header, operations
from tests import compiling
from tests.plugins.capsules import FIRST, Ops, capsule

GROWN = """
#include "open_capsule.h"

/* What the field added last is: 1 absent, 0 not; -1 with an error set. */
int added_is_absent(PyObject *capsule)
{
    struct ipcbench_ops ops = {.added = (ssize_t (*)(void *))1};
    return ipcbench_open(capsule, &ops) < 0 ? -1 : ops.added == NULL;
}
"""


@pytest.fixture(scope="module")
def added_is_absent(tmp_path_factory: pytest.TempPathFactory) -> Callable[[object], int]:
    """Open a capsule as a module with one more field does."""
    if compiling.lacking():
        pytest.skip(compiling.lacking())
    folder = tmp_path_factory.mktemp("grown")
    now = (header() / "ops.h").read_text()
    last = "    ssize_t (*torn)(void *ctx);\n};\n"
    assert last in now
    then = now.replace(last, last.replace("};", "    ssize_t (*added)(void *ctx);\n};"))
    (folder / "ops.h").write_text(then)
    shutil.copy(header() / "open_capsule.h", folder)
    (folder / "grown.c").write_text(GROWN)
    command = [compiling.COMPILER, *compiling.HEADERS, "-std=gnu11", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", folder / "grown.so", folder / "grown.c"], check=True)
    opened = ctypes.PyDLL(str(folder / "grown.so")).added_is_absent
    opened.argtypes, opened.restype = (ctypes.py_object,), ctypes.c_int

    def call(one: object) -> int:
        return int(opened(one))

    return call


def test_a_field_that_the_maker_does_not_know_is_absent(
    added_is_absent: Callable[[object], int],
) -> None:
    """Bytes behind its struct are not read."""
    kept = (Ops * 2)()
    ctypes.memset(kept, 0xEE, ctypes.sizeof(kept))
    assert added_is_absent(capsule(into=kept[0])) == 1


def test_a_field_that_the_maker_knows_is_there(added_is_absent: Callable[[object], int]) -> None:
    kept = (Ops * 2)()
    ctypes.memset(kept, 0xEE, ctypes.sizeof(kept))
    assert added_is_absent(capsule(into=kept[0], size=ctypes.sizeof(Ops) + 8)) == 0


def test_a_struct_smaller_than_the_first_version_is_refused(
    added_is_absent: Callable[[object], int],
) -> None:
    with pytest.raises(ValueError, match=r"rebuild against ops\.h 2$"):
        added_is_absent(capsule(size=FIRST - 8))


@pytest.mark.skipif(built() is not None, reason=str(built()))
def test_a_maker_that_knows_more_is_called() -> None:
    class End:
        capsule = capsule(
            size=ctypes.sizeof(Ops) + 64, send=lambda *_: 0, recv=lambda at, size: size
        )

    calls = operations.Calls(End.capsule)
    assert calls.has() == {"send", "recv"}
    assert calls.recv(bytearray(16)) == 16
    start, end, handled = native_loops.compiled.ping(
        End.capsule, aligned_buffer(16), aligned_buffer(16), 3
    )
    assert start <= end
    assert handled == 3
