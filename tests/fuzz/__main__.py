"""Search for inputs that break a reader: `python -m tests.fuzz READER --seconds N --seed N`.

With atheris, which exists for CPython on x86-64, the coverage of `bench` and `reports`
guides the search. Without it inputs are random mutations of seeds and of inputs with a new
outcome.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import random
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import NoReturn

FOUND = Path(__file__).parent / "found"
READERS = ("journal", "suite", "profile", "thresholds", "comparison")
LONGEST = 1 << 20  # bytes of an input
MOST_SHOWN = 12
MOST_KEPT = 60


class Campaign:
    """The inputs so far and their outcomes."""

    def __init__(self, name: str, reader: ModuleType, seconds: float, scratch: Path) -> None:
        from tests.fuzz import guard

        self._run = guard.run
        self._name = name
        self._reader = reader
        self._began = time.monotonic()
        self._seconds = seconds
        self.scratch = scratch
        self.outcomes: Counter[str] = Counter()

    def one(self, data: bytes) -> bool:
        """Run an input; return whether its outcome is new."""
        if time.monotonic() - self._began > self._seconds:
            self.end(0)
        try:
            refusal = self._run(self._reader.outcome, data)
        except KeyboardInterrupt:
            self.end(0)
        except BaseException:
            self._keep(data)
        kind = re.sub(r"[0-9]+|'[^']*'|`[^`]*`|\"[^\"]*\"", "_", refusal)[:80]
        self.outcomes[kind] += 1
        return self.outcomes[kind] == 1

    def one_guided(self, data: bytes) -> int:
        """Run an input for libFuzzer; -1 keeps an input with a known refusal out of its corpus."""
        before = self.outcomes[""]
        return 0 if self.one(data) or self.outcomes[""] > before else -1

    def _keep(self, data: bytes) -> NoReturn:
        FOUND.mkdir(exist_ok=True)
        path = FOUND / f"{self._name}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        traceback.print_exc()
        print(f"failed: {path}", flush=True)
        self.end(1)

    def end(self, code: int) -> NoReturn:
        total = sum(self.outcomes.values())
        seconds = time.monotonic() - self._began
        print(
            f"{self._name}: {total} inputs in {seconds:.0f} s, {self.outcomes['']} accepted, "
            f"{total - self.outcomes['']} refused in {len(self.outcomes) - 1} ways",
            flush=True,
        )
        for refusal, number in self.outcomes.most_common(MOST_SHOWN):
            print(f"{number:8} {refusal or 'accepted'}", flush=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        os._exit(code)  # libFuzzer does not return


def _mutated(reader: ModuleType, data: bytes, seed: int, longest: int) -> bytes:
    found: bytes = reader.mutated(
        data or random.Random(seed).choice(reader.SEEDS), random.Random(seed)
    )
    return found if len(found) <= longest else data


def _guided(campaign: Campaign, reader: ModuleType, seed: int) -> None:
    import atheris

    corpus = campaign.scratch / "corpus"
    corpus.mkdir()
    for number, data in enumerate(reader.SEEDS):
        (corpus / str(number)).write_bytes(data)
    atheris.Setup(
        [
            sys.argv[0], str(corpus), f"-seed={seed or 1}", f"-max_len={LONGEST}",
            "-timeout=0", "-rss_limit_mb=0", "-len_control=0", "-mutate_depth=1",
        ],
        campaign.one_guided,
        custom_mutator=lambda data, longest, number: _mutated(reader, data, number, longest),
    )  # fmt: skip
    atheris.Fuzz()


def _at_random(campaign: Campaign, reader: ModuleType, seed: int) -> None:
    rng = random.Random(seed)
    pool = list(reader.SEEDS)
    for data in reader.SEEDS:
        campaign.one(data)
    while True:
        data = _mutated(reader, rng.choice(pool), rng.getrandbits(32), LONGEST)
        if campaign.one_guided(data) == 0:
            pool[MOST_KEPT:] = []  # keep the seeds and the newest inputs
            pool.insert(len(reader.SEEDS), data)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", action="store_true", help="without atheris")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="ipcb-"))
    os.environ["XDG_RUNTIME_DIR"] = str(scratch)
    os.environ.pop("IPCBENCH_LEDGER", None)
    try:
        import atheris
    except ImportError:
        atheris = None
    module = f"tests.fuzz.{options.reader}"
    if atheris is None or options.random:
        if atheris is None:
            print("atheris is not installed: inputs at random, not guided by coverage", flush=True)
        reader, search = importlib.import_module(module), _at_random
    else:
        with atheris.instrument_imports(include=["ipcbench.bench", "ipcbench.reports"]):
            reader, search = importlib.import_module(module), _guided
    from tests.fuzz import guard

    guard.limit_memory()
    search(Campaign(options.reader, reader, options.seconds, scratch), reader, options.seed)


if __name__ == "__main__":
    main()
