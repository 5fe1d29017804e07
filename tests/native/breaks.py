"""Breaks: faults made on purpose, which show that the tests can fail.

A break replaces one text in one source file. The broken file, or the module compiled with it,
replaces the good one in a process of its own; the checkout is not changed.

    python -m tests.native.breaks MODULE FILE tests.soak.rings SHAPE SEED
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests import compiling
from tests.e2e.command import environment  # it must import none of the good modules
from tests.native.ring_breaks import (
    IN_COUNTED_C,
    IN_RING_C,
    RINGS,
    SEATS,
    THREADS,
    TOKENS,
    WAITS,
    Break,
)

ROOT = Path(__file__).parents[2]
NATIVE = "ipcbench.transports.native._native"
LOOPS = "ipcbench.bench.loops._loops"
SECONDS = 60.0  # in which a break must be found
LIMIT = 3.0  # seconds: a process that gives no answer for so long hangs


# Leaks, which tests/native/leaks.py finds.
CAPSULES, CALLS = "transports/native/module.c", "transports/native/python_calls.c"
VIEWS, MEMORY = "transports/native/slot_view.c", "transports/native/memory_waiter.c"
LEAKS = (
    Break("an endpoint is kept", CAPSULES, "capsule_content_free(",
          "Py_XDECREF(content->owner);", ""),
    Break("a capsule with another owner is kept", CAPSULES, "capsule_content_free(",
          "Py_XDECREF(content->lender);", ""),
    Break("the context of operations is kept", CAPSULES, "capsule_content_free(",
          "PyMem_RawFree(content->ops.ctx);", ""),
    Break("a mapping is kept", SEATS, "ipcbench_ring_seat_dispose(void",
          "PyBuffer_Release(&seat->memory);", ""),
    Break("lanes are kept", SEATS, "ipcbench_ring_seat_dispose(void",
          "PyMem_RawFree(seat->lanes);", ""),
    Break("a seat is kept that was refused", SEATS, "ipcbench_ring_seat_new(",
          "PyMem_RawFree(seat);", ""),
    Break("a waiter is kept", WAITS, "destroy(", "PyMem_RawFree(waiter);", ""),
    Break("a semaphore stays open", WAITS, "destroy(", "sem_close(waiter->semaphore);", ";"),
    Break("descriptors are kept", "transports/native/fd_seat.c", "ipcbench_fd_seat_dispose(",
          "PyMem_RawFree(self->outs);", ""),
    Break("descriptors of an end that spins are kept", "transports/native/fd_seat.c",
          "ipcbench_fd_seat_dispose(", "PyMem_RawFree(self->looked_at);", ""),
    Break("the copy of a message is kept", CALLS, "dealloc(", "free(self->spare.room);", ""),
    Break("a copy that is too small is kept", CALLS, "take_copy(", "free(copy->room);", ""),
    Break("the view of a sent message is kept", CALLS, "call_with_bytes(",
          "PyBuffer_Release(view);", ""),
    Break("a loop's buffer is kept", "bench/loops/_loops.c", "result = run_timed(",
          "PyBuffer_Release(&received);", ""),
    Break("a loop's message is kept where its buffer is refused", "bench/loops/_loops.c",
          "release_sent:", "PyBuffer_Release(&sent);", "if (result) PyBuffer_Release(&sent);"),
    Break("a seat at a counted ring is kept", IN_COUNTED_C, "counted_ring(PyObject",
          "given.owner, ipcbench_ring_seat_dispose)", "given.owner, NULL)"),
    Break("a seat at a ring is kept", IN_RING_C, "ring(PyObject",
          "given.owner, dispose)", "given.owner, NULL)"),
    Break("a doorbell is kept", IN_RING_C, "dispose(",
          "Py_CLEAR(((struct ring_end *)ctx)->described);", ""),
    Break("a seat is kept whose doorbell was refused", IN_RING_C, "ring(PyObject",
          "        PyMem_RawFree(self);\n", ""),
    Break("an end of two words is kept", "transports/native/signalling.c",
          "word_signal(PyObject", "owner, futex_dispose)", "owner, NULL)"),
    Break("a waiter in memory counts an end that is gone", MEMORY, "dispose(void",
          "lender->users--;", ""),
    Break("an end of a waiter in memory keeps it", MEMORY, "dispose(void",
          "Py_DECREF(lender);", ""),
    Break("the slots of a pool are kept", "transports/native/memfd_pool.c", "dispose(void",
          "PyMem_RawFree(self->views);", ""),
    Break("the exporter of a view is kept", VIEWS, "ipcbench_view(", "Py_DECREF(made);", ";"),
    Break("the capsule of a view is kept", VIEWS, "dealloc(",
          "Py_XDECREF(self->capsule);", ""),
)  # fmt: skip

ALL = (*RINGS, *THREADS, *TOKENS, *LEAKS)


def applied(one: Break) -> str:
    """Return the broken file. Raises: AssertionError where the text was changed."""
    good = (ROOT / one.file).read_text()
    start = good.find(one.within)
    at = good.find(one.before, start)
    assert start >= 0 and at >= 0, f"{one.file} has no {one.before!r} behind {one.within!r}"
    return good[:at] + one.after + good[at + len(one.before) :]


def sources(one: Break, folder: Path) -> Path:
    """Copy all C files, with the break in them; return the root of the copy."""
    for part in ("transports/native", "bench/loops"):
        (folder / part).mkdir(parents=True)
        for path in (ROOT / part).glob("*.[ch]"):
            shutil.copy(path, folder / part)
    (folder / one.file).write_text(applied(one))
    return folder


def lacking(one: Break) -> str:
    """Return the reason why it cannot be made here, or ""."""
    return "" if one.file.endswith(".py") else compiling.lacking()


def put_in_place(one: Break, folder: Path) -> tuple[str, Path]:
    """Write or compile the broken module; return its name and its path."""
    if one.file.endswith(".py"):
        path = folder / Path(one.file).name
        path.write_text(applied(one))
        return "ipcbench." + one.file.removesuffix(".py").replace("/", "."), path
    root, module = sources(one, folder), LOOPS if one.file.startswith("bench/") else NATIVE
    files = (
        [root / "bench/loops/_loops.c"]
        if module == LOOPS
        else (root / "transports/native").glob("*.c")
    )
    path = folder / "broken.so"
    command = [
        compiling.COMPILER, "-std=gnu11", "-O2", "-shared", "-fPIC", "-fno-strict-aliasing", "-w",
        f"-I{root}", *compiling.HEADERS, *map(str, files), "-o", str(path), "-lrt", "-lpthread",
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return module, path


def run_broken(one: Break, finder: str, what: str, seed: str, **more: str) -> str:
    """Call `find(what, seed, seconds)` of the module `finder` with the break; return its answer.

    `more` is added to the environment.
    Raises: AssertionError where the process fails.
    """
    with tempfile.TemporaryDirectory(prefix="ipcb-") as there:
        words = [*map(str, put_in_place(one, Path(there))), finder, what, seed]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.native.breaks", *words],
                cwd=ROOT,
                env=environment() | {"XDG_RUNTIME_DIR": there} | more,
                capture_output=True,
                text=True,
                timeout=2 * SECONDS,
                check=False,
            )
        finally:
            _swept(Path(there))
    assert done.returncode == 0, done.stdout + done.stderr
    said: str = done.stdout.strip().splitlines()[-1]
    return said


def _swept(home: Path) -> None:
    """Remove the kernel objects of a process that was killed."""
    from ipcbench.transports.kernel_objects.home import PREFIX
    from ipcbench.transports.kernel_objects.ledger import Ledger, remove_all

    for path in home.glob(f"{PREFIX}*/*.ledger"):
        remove_all(Ledger(path))


class _Instead(MetaPathFinder):
    """A finder that loads one module from another path."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path)


def main() -> None:
    name, path, finder, what, seed = sys.argv[1:]
    sys.meta_path.insert(0, _Instead(name, path))
    from ipcbench.transports.testing import actors

    actors.CALL_LIMIT = LIMIT
    assert import_module(name).__file__ == path
    print(import_module(finder).find(what, seed, SECONDS))


if __name__ == "__main__":
    main()
