"""Tests of the ring: all orders of its steps in a model, its code under ThreadSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.transports.native import header
from tests import sampling
from tests.native import breaks, ring_breaks
from tests.native.interleavings import COUNTER, PARTS, PYTHON, WORD, C, Lost, Ring, explore
from tests.native.threads import sanitized

HERE = Path(__file__).parent

# Parts that ring.pml can leave out, for ends that sleep at words, and by counters. Then a process
# sleeps for ever, or an assertion fails: bytes are not those of a message, or tokens pile up.
ASLEEP = (
    "NO_SENDERS_FENCE", "NO_RECEIVERS_FENCE", "NO_SECOND_LOOK", "BELL_FIRST", "LATE_CLEAR",
    "ROOM_EVERY=3",
)  # fmt: skip
WRONG = ("HEAD_FIRST", "NO_LIMIT", "NO_LAPS", "NO_LOOK_AFTER")
AT_WORD = ((*ASLEEP, "NO_CLEAR"), WRONG)
BY_COUNTER = ((*ASLEEP, "NO_RENEWAL"), (*WRONG, "NO_CLEAR", "NO_TAKING"))

PAIRS = [(C, C), (PYTHON, PYTHON), (C, PYTHON), (PYTHON, C)]  # consumer, producer
SHAPES = [(1, 3), (2, 4), (3, 4)]  # slots, messages
LAPS = [  # several laps of an odd number of slots: the middle is not half of them
    Ring(*shape, COUNTER, ends)
    for shape, ends in (
        ((3, 10), (PYTHON, PYTHON)), ((5, 11), (PYTHON, PYTHON)), ((3, 10), (PYTHON, C)),
        ((3, 10), (C, PYTHON)),
    )
]  # fmt: skip
SEVERAL = [
    Ring(depth=depth, messages=depth, counter=counter, ends=ends)
    for ends in ((C, C, C), (PYTHON, PYTHON, PYTHON), (PYTHON, C, PYTHON), (C, PYTHON, PYTHON))
    for depth, counter in ((1, WORD), (1, COUNTER), (2, COUNTER))
]
LARGE = [  # slots are used again
    Ring(depth=1, messages=2, counter=counter, ends=ends)
    for ends in ((C, C, C), (PYTHON, PYTHON, PYTHON), (C, C, PYTHON))
    for counter in (WORD, COUNTER)
]


def _named(ring: Ring) -> str:
    by = "counter" if ring.counter else "word"
    by += ", early" if ring.early else ""
    return f"{by}, {'-'.join(ring.ends)}, {ring.depth} slots, {ring.messages} messages"


@pytest.mark.parametrize(
    "ring",
    [
        *(Ring(*shape, counter, ends) for ends in PAIRS for counter in (WORD, COUNTER)
          for shape in SHAPES),
        *(Ring(*shape, WORD, ends, early=True) for ends in PAIRS for shape in SHAPES[:2]),
        *LAPS,
        *SEVERAL,
        *(LARGE if sampling.SOAK else []),
    ],
    ids=_named,
)  # fmt: skip
def test_no_order_loses_or_tears_a_message(ring: Ring) -> None:
    assert explore(ring).states > 100


@pytest.mark.parametrize("ends", PAIRS, ids="-".join)
@pytest.mark.parametrize("counter", [WORD, COUNTER], ids=["word", "counter"])
@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_model_is_needed(part: str, counter: bool, ends: tuple[str, str]) -> None:
    happens = PARTS[part][counter]
    ring = Ring(depth=1, messages=3, counter=counter, ends=ends, without=frozenset({part}))
    if happens is None:
        assert explore(ring).states > 100
        return
    with pytest.raises(happens):
        explore(ring)


@pytest.mark.parametrize("ends", PAIRS, ids="-".join)
@pytest.mark.parametrize("depth", [2, 3])
def test_the_consumer_rings_for_room_once_a_lap_at_least(depth: int, ends: tuple[str, str]) -> None:
    """A producer sleeps when the ring is full: a ring follows within the slots that are used."""
    ring = Ring(depth, 2 * depth + 2, COUNTER, ends, room_every=depth)
    assert explore(ring).states > 100
    with pytest.raises(Lost):
        explore(replace(ring, room_every=depth + 1))


def test_tokens_are_bounded() -> None:
    """Of several notifiers, each one in Python may add a token for the same announcement."""
    for ends in PAIRS:
        assert explore(Ring(2, 5, COUNTER, ends)).tokens == (1, 1)
    assert explore(Ring(2, 2, COUNTER, (PYTHON, C, C))).tokens == (1, 0, 0)
    for messages in (1, 2):
        ring = Ring(messages, messages, COUNTER, (C, PYTHON, PYTHON))
        assert explore(ring).tokens == (ring.most_tokens(0), 0, 0) == (1 + messages, 0, 0)


@pytest.mark.parametrize("python", sampling.some(range(4), 1))
@pytest.mark.parametrize(
    ("doorbell", "parts"), [((), AT_WORD), (("-DCOUNTER",), BY_COUNTER)], ids=["word", "counter"]
)
def test_promela(
    doorbell: tuple[str, ...],
    parts: tuple[tuple[str, ...], tuple[str, ...]],
    python: int,
    tmp_path: Path,
) -> None:
    """A second model of the protocol, for the model checker Spin."""
    spin, compiler = shutil.which("spin"), shutil.which("cc")
    if spin is None or compiler is None:
        pytest.skip("Spin is not installed: apt-get install spin")
    how = (*doorbell, f"-DPYTHON={python}")
    assert "errors: 0" in _checked(tmp_path, spin, compiler, *how)
    echo = ("-DECHO", "-DDEPTH=1", "-DMESSAGES=3")
    assert "errors: 0" in _checked(tmp_path, spin, compiler, *how, *echo)
    # Every run leaves out each part of the other model; here only a soak leaves out all of them.
    asleep, wrong = parts
    for what in sampling.some((*asleep, *wrong), 1):
        output = _checked(tmp_path, spin, compiler, *how, f"-D{what}")
        found = "invalid end state" if what in asleep else "assertion violated"
        assert "errors: 1" in output and f"pan:1: {found}" in output, what


@pytest.mark.parametrize(
    ("window", "room", "hangs"),
    [
        (7, (), False),
        (8, (), True),  # more than both rings hold, and the message in hand
        (5, ("-DNOTHING_OWED",), False),
        (6, ("-DNOTHING_OWED",), True),
    ],
)
def test_an_echo_bears_a_window_of_two_rings(
    window: int, room: tuple[str, ...], hangs: bool, tmp_path: Path
) -> None:
    """A consumer that waits for a free slot itself first wakes the producer.

    Else a window of more than 2 depth + 3 - 2 half laps may hang.
    """
    spin, compiler = shutil.which("spin"), shutil.which("cc")
    if spin is None or compiler is None:
        pytest.skip("Spin is not installed: apt-get install spin")
    echo = ("-DCOUNTER", "-DPYTHON=3", "-DECHO", "-DDEPTH=3", "-DMESSAGES=11", *room)
    output = _checked(tmp_path, spin, compiler, *echo, f"-DWINDOW={window}")
    assert ("pan:1: invalid end state" in output) == hangs
    assert f"errors: {int(hangs)}" in output


def _checked(folder: Path, spin: str, compiler: str, *defines: str) -> str:
    for command in (
        [spin, *defines, "-a", str(HERE / "ring.pml")],
        [compiler, "-O2", "-w", "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    checked = subprocess.run(
        ["./pan", "-m100000"], cwd=folder, check=True, capture_output=True, text=True
    )
    return checked.stdout


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Compile the harness with ThreadSanitizer; return the command that runs it."""
    return sanitized("ring_threads.c", header(), tmp_path_factory.mktemp("tsan"))


@pytest.mark.parametrize(
    ("looks", "counter"),
    [(-1, 0), (0, 0), (20, 0), (0, 1)],
    ids=["spin", "futex", "spin-block", "semaphore"],
)
@pytest.mark.parametrize("many", [0, 1], ids=["one by one", "batches"])
@pytest.mark.parametrize(
    ("producers", "depth", "size"), [(1, 1, 8), (1, 16, 64), (3, 4, 300)], ids=str
)
def test_threads(
    threads: list[str], producers: int, depth: int, size: int, many: int, looks: int, counter: int
) -> None:
    numbers = (producers, 3000, depth, size, looks, many, counter)
    ran = subprocess.run([*threads, *map(str, numbers)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("one", ring_breaks.THREADS, ids=lambda one: one.name)
def test_a_race_is_reported(one: ring_breaks.Break, threads: list[str], tmp_path: Path) -> None:
    """Memory orders that are too weak have no visible effect on x86."""
    headers = breaks.sources(one, tmp_path) / "transports/native"
    broken = sanitized("ring_threads.c", headers, tmp_path)
    producers, *others = one.shape.split()
    ran = subprocess.run([*broken, producers, "3000", *others], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "WARNING: ThreadSanitizer: data race" in ran.stderr, ran.stderr


@pytest.mark.parametrize("one", ring_breaks.TOKENS, ids=lambda one: one.name)
def test_tokens_that_are_left_are_reported(
    one: ring_breaks.Break, threads: list[str], tmp_path: Path
) -> None:
    """Each of them ends a later sleep too early."""
    headers = breaks.sources(one, tmp_path) / "transports/native"
    broken = sanitized("ring_threads.c", headers, tmp_path)
    producers, *others = one.shape.split()
    ran = subprocess.run([*broken, producers, "3000", *others], capture_output=True, text=True)
    assert (ran.returncode, "tokens are left" in ran.stderr) == (1, True), ran.stderr
