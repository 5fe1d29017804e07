"""Trials, which take long and may fail, and the record of their outcomes."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Lock

import msgspec


@dataclass(frozen=True, slots=True)
class Trial:
    """A check that takes long.

    Attributes:
        name: contains all that the trial depends on, except the seed.
        run: returns a summary. Raises: any exception if the trial fails.
        beside: it may run beside others, in a thread.
    """

    name: str
    run: Callable[[], str]
    beside: bool = False


class Outcome(msgspec.Struct, kw_only=True):
    """One line of the record. `text`: the summary or the traceback."""

    trial: str
    seed: int
    ok: bool
    text: str
    seconds: float


class Record:
    """Outcomes as lines of a file, each written at the end of its trial."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._writing = Lock()

    def kept(self) -> Iterator[Outcome]:
        """Read the latest outcome of each trial of this seed; skip torn lines."""
        if not self._path.exists():
            return
        latest: dict[str, Outcome] = {}
        for line in self._path.read_bytes().splitlines():
            try:
                outcome = msgspec.json.decode(line, type=Outcome)
            except msgspec.DecodeError:
                continue
            if outcome.seed == self._seed:
                latest[outcome.trial] = outcome
        yield from latest.values()

    def run(self, trial: Trial) -> Outcome:
        """Run a trial and write its outcome; any exception is a failure."""
        began = time.monotonic()
        try:
            ok, text = True, trial.run()
        except Exception:
            ok, text = False, traceback.format_exc(limit=-6)
        outcome = Outcome(
            trial=trial.name, seed=self._seed, ok=ok, text=text, seconds=time.monotonic() - began
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._writing, self._path.open("ab") as lines:
            lines.write(b"\n" + msgspec.json.encode(outcome))  # a torn line, if any, ends here
        return outcome


def run_trials(
    trials: Iterable[Trial],
    record: Record,
    report: Callable[[Outcome], None],
    at_once: int = 1,
) -> list[Outcome]:
    """Run the trials that have not passed yet; return the outcomes of all.

    Those that may run beside others come first, so many at once.
    """
    trials = list(trials)
    found = {outcome.trial: outcome for outcome in record.kept() if outcome.ok}
    open_ = [trial for trial in trials if trial.name not in found]
    pool = ThreadPoolExecutor(at_once)
    try:
        begun = [pool.submit(record.run, trial) for trial in open_ if trial.beside]
        outcomes = (future.result() for future in as_completed(begun))
        alone = (record.run(trial) for trial in open_ if not trial.beside)
        for outcome in chain(outcomes, alone):
            found[outcome.trial] = outcome
            report(outcome)
    finally:
        pool.shutdown(cancel_futures=True)
    return [found[trial.name] for trial in trials]
