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
from dataclasses import dataclass
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests import compiling
from tests.e2e.command import environment  # it must import none of the good modules

ROOT = Path(__file__).parents[2]
NATIVE = "ipcbench.transports.native._native"
LOOPS = "ipcbench.bench.loops._loops"
SECONDS = 60.0  # in which a break must be found
LIMIT = 3.0  # seconds: a process that gives no answer for so long hangs


@dataclass(frozen=True, slots=True)
class Break:
    """A fault: `after` in place of the first `before` behind `within`.

    `shape`: the ring that shows it (soak/rings.py).
    """

    name: str
    file: str
    within: str
    before: str
    after: str
    shape: str = ""


def _text(lines: str) -> str:
    return lines.strip("\n")


WORDS, COUNTED = "transports/native/word_ring.h", "transports/native/counted_ring.h"
SLEEP, SEATS = "transports/native/futex.h", "transports/native/ring_seat.c"
IN_COUNTED_C, IN_WORDS_C = "transports/native/counted_ring.c", "transports/native/word_ring.c"
WAITS = "transports/native/waiters.c"
IN_WORDS, IN_PYTHON = "transports/shm/word_ring.py", "transports/shm/counted_ring.py"

RINGS = (
    # Native, over words.
    Break("words: it wraps a slot too early", WORDS, "ipcbench_word_advance(",
          "lane->slot == lane->end", "lane->slot + lane->stride == lane->end", "spin/link/native"),
    Break("words: one slot too many", WORDS, "ipcbench_has_free_slot", "< lane->depth;",
          "<= lane->depth;", "spin/link/native"),
    Break("words: a batch without free slots", WORDS, "ipcbench_loan_batch(",
          "(free < wanted ? free : wanted)", "(wanted)", "futex/link/native"),
    Break("words: published before it is copied", WORDS, "ipcbench_word_send(", _text("""
    ipcbench_fill(policy, lane->slot + lane->offset, data, size);
    ipcbench_publish(lane, size);"""), _text("""
    char *slot = lane->slot;
    ipcbench_publish(lane, size);
    ipcbench_fill(policy, slot + lane->offset, data, size);"""), "spin/link/native"),
    Break("words: given back before it is read", WORDS, "ipcbench_word_recv(",
          "    found = ipcbench_take(",
          "    __atomic_store_n(lane->freed, lane->count + 1, __ATOMIC_RELEASE);\n"
          "    found = ipcbench_take(", "spin/link/native"),
    Break("words: the length of another message", WORDS, "ipcbench_publish(",
          "(uint64_t)size <<", "(uint64_t)(size | 1) <<", "spin/in-place/link/native"),
    Break("words: a number that is not truncated", WORDS, "ipcbench_message_is_there(",
          "((lane->count + ahead + 1) & (IPCBENCH_NUMBERS - 1))", "(lane->count + ahead + 1)",
          "spin/numbers wrap"),
    Break("words: only one lane is looked at", IN_WORDS_C, "any_has_message(",
          "looked < self->seat.incoming", "looked < 1", "futex/fan-in/native"),
    Break("words: given back while it is read in place", IN_WORDS_C, "words_peek(",
          "    *slot = lane->slot + lane->offset;\n",
          "    *slot = lane->slot + lane->offset;\n"
          "    __atomic_store_n(lane->freed, lane->count + 1, __ATOMIC_RELEASE);\n",
          "spin/in-place/link/native"),
    # Native, with loans.
    Break("words: no wake-up after a loan", IN_WORDS_C, "words_commit(",
          "if (self->policy.sleeps)", "if (0)", "futex/in-place/link/native"),
    Break("counted: all that was lent is committed", IN_COUNTED_C, "ring_commit(",
          "ipcbench_commit_slot(lane, size)", "ipcbench_commit_slot(lane, lane->size)",
          "posix-sem/in-place/link/native"),
    # Native, asleep.
    Break("asleep: it does not check again", SLEEP, "ipcbench_sleep(", "if (condition(argument))",
          "if (0 && condition(argument))", "futex/link/native"),
    Break("asleep: it checks before it sets the bit", SLEEP, "ipcbench_sleep(", _text("""
    uint32_t set = __atomic_fetch_or(doorbell, 1, __ATOMIC_SEQ_CST) | 1;
    ipcbench_fence(doorbell);
    if (condition(argument)) {"""), _text("""
    int is_there = condition(argument);
    uint32_t set = __atomic_fetch_or(doorbell, 1, __ATOMIC_SEQ_CST) | 1;
    ipcbench_fence(doorbell);
    if (is_there) {"""), "futex/link/native"),
    Break("asleep: the sender has no fence", SLEEP, "ipcbench_wake(", "ipcbench_fence(doorbell);",
          "", "futex/link/native"),
    Break("asleep: a wake-up changes nothing", SLEEP, "ipcbench_wake(", "seen + 1", "seen",
          "futex/link/native"),
    Break("asleep: a wake-up before the message", WORDS, "ipcbench_word_send(", _text("""
    ipcbench_publish(lane, size);
    if (policy->exclusive_cpu) /* a round trip takes up to a tenth less time, a batch does not */
        ipcbench_prefetch_for_write(lane->slot);
    if (policy->sleeps)
        ipcbench_wake(lane->consumer_doorbell);"""), _text("""
    if (policy->sleeps)
        ipcbench_wake(lane->consumer_doorbell);
    ipcbench_publish(lane, size);"""), "futex/link/native"),
    # Native, over counted waiters.
    Break("counted: it wraps a slot too early", COUNTED, "ipcbench_advance(",
          "++lane->at == lane->depth", "++lane->at + 1 >= lane->depth", "posix-sem/link/native"),
    Break("counted: announced before it is copied", COUNTED, "ipcbench_put(", _text("""
    memcpy(ipcbench_slot(lane), data, size);
    return ipcbench_commit_slot(lane, size);"""), _text("""
    char *slot = ipcbench_slot(lane);
    found = ipcbench_commit_slot(lane, size);
    memcpy(slot, data, size);
    return found;"""), "posix-sem/link/native"),
    Break("counted: given back before it is read", COUNTED, "ipcbench_get(", _text("""
    if (length <= size)
        memcpy(buffer, ipcbench_slot(lane), length);
    ssize_t failed = ipcbench_release_slot(lane);"""), _text("""
    const char *slot = ipcbench_slot(lane);
    ssize_t failed = ipcbench_release_slot(lane);
    if (length <= size)
        memcpy(buffer, slot, length);"""), "posix-sem/link/native"),
    Break("counted: a lane is not asked", IN_COUNTED_C, "await(", "!= lane->count)",
          "!= ~lane->count)", "posix-sem/fan-in/native"),
    Break("counted: the count is not published", COUNTED, "ipcbench_commit_slot(",
          "if (lane->counted)", "if (0)", "eventfd/hub/native"),
    Break("counted: announced before its count", COUNTED, "ipcbench_commit_slot(", _text("""
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count, __ATOMIC_RELEASE);
    return ipcbench_notify(lane->used_slots);"""), _text("""
    ssize_t failed = ipcbench_notify(lane->used_slots);
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count - 1, __ATOMIC_RELEASE);
    return failed;"""), "sysv-sem/fan-in/native"),
    Break("counted: a try for a wait", WAITS, "posix_semaphore(", "policy.nowait ?",
          "!policy.nowait ?", "posix-sem/link/mixed"),
    Break("counted: a layout of its own", IN_COUNTED_C, ".slots =",
          "ipcbench_lines(8 * given->depth)", "ipcbench_lines(4 * given->depth)",
          "eventfd/link/mixed"),
    Break("counted: slots of another width", COUNTED, "ipcbench_stride(",
          "ipcbench_lines(size == 0 ? 1 : size)", "ipcbench_lines(size + 8)",
          "sysv-sem/link/mixed"),
    # In Python.
    Break("python: announced before it is copied", IN_PYTHON, "def send(", _text("""
                wait_free()
                slots[at][:] = data
            lengths[at] = length
            notify_used()"""), _text("""
                wait_free()
                notify_used()
                slots[at][:] = data
                lengths[at] = length
                at = following[at]
                return
            lengths[at] = length
            notify_used()"""), "posix-sem/link/python"),
    Break("python: one place for all lanes", IN_PYTHON, "def collector(",
          "at = taken[turn] % depth", "at = sum(taken) % depth", "sysv-sem/fan-in/python"),
    Break("python: it wraps a slot too early", IN_WORDS, "def consumer(", "if at == depth:",
          "if at == depth - 1:", "futex/link/python"),
    Break("python: given back before it is read", IN_WORDS, "def consumer(",
          "        length: int = lengths[at]\n", "        length: int = lengths[at]\n"
          "        freed[0] = depth + total + 1\n", "spin/link/python"),
    Break("python: it sleeps on the latest value", "transports/sync/futex.py", "def pause(",
          "return lambda seen: sleep(seen, None)",
          "return lambda seen: sleep(word.word[0] & 0xFFFFFFFF, None)", "futex/link/python"),
    Break("python: no wake-up for the last one", IN_WORDS, "def producer(",
          "        wake()\n", "        if total % 50:\n            wake()\n",
          "futex/link/python"),
    Break("python: lent without a free slot", IN_PYTHON, "def loan(", "        await_free()\n", "",
          "posix-sem/in-place/link/python"),
    Break("python: committed, and lent again", IN_PYTHON, "def commit(", "at = following[at]",
          "at = at", "sysv-sem/in-place/link/python"),
    Break("python: lent before a slot is free", IN_WORDS, "def loan(", "while freed[0] == total:",
          "while freed[0] + 1 == total:", "spin/in-place/link/python"),
    Break("python: no wake-up after a loan", IN_WORDS, "def commit(",
          "        wake()\n", "", "futex/in-place/link/python"),
)  # fmt: skip

# Faults that x86 hides, since it keeps the order of stores: ThreadSanitizer reports them. `shape`:
# the arguments of ring_threads.
RELEASE, ACQUIRE, RELAXED = "__ATOMIC_RELEASE", "__ATOMIC_ACQUIRE", "__ATOMIC_RELAXED"
THREADS = (
    Break("a head is stored relaxed", WORDS, "ipcbench_publish(", RELEASE, RELAXED,
          "1 16 64 -1 0"),
    Break("a head is loaded relaxed", WORDS, "ipcbench_message_is_there(", ACQUIRE, RELAXED,
          "1 16 64 0 0"),
    Break("`freed` is stored relaxed", WORDS, "ipcbench_free(", RELEASE, RELAXED,
          "1 1 8 -1 0"),
    Break("`freed` is loaded relaxed", WORDS, "ipcbench_has_free_slot(", ACQUIRE, RELAXED,
          "1 1 8 -1 0"),
    Break("a batch loads relaxed", WORDS, "ipcbench_has_free_batch(", ACQUIRE, RELAXED,
          "1 16 64 -1 1"),
)  # fmt: skip

# Leaks, which tests/native/leaks.py finds.
CAPSULES, CALLS = "transports/native/module.c", "transports/native/python_calls.c"
VIEWS = "transports/native/slot_view.c"
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
    Break("a seat at a ring over words is kept", IN_WORDS_C, "word_ring(PyObject",
          "given.owner, ipcbench_ring_seat_dispose)", "given.owner, NULL)"),
    Break("an end of two words is kept", "transports/native/signalling.c",
          "word_signal(PyObject", "owner, futex_dispose)", "owner, NULL)"),
    Break("the exporter of a view is kept", VIEWS, "ipcbench_view(", "Py_DECREF(made);", ";"),
    Break("the capsule of a view is kept", VIEWS, "dealloc(",
          "Py_XDECREF(self->capsule);", ""),
)  # fmt: skip

ALL = (*RINGS, *THREADS, *LEAKS)


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
