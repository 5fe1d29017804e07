"""A trial: something long that may fail, played on its own; and the record of those played."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Trial:
    """`name` says all that it depends on beside the seed. `play` tells in words what it saw."""

    name: str
    play: Callable[[], str]


class Outcome(msgspec.Struct, kw_only=True):
    """One line of the record. `said`: what was seen, or what went wrong."""

    trial: str
    seed: int
    ok: bool
    said: str
    seconds: float


class Record:
    """Outcomes as lines of a file, each written as soon as it is there."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed

    def kept(self) -> Iterator[Outcome]:
        """Those of this seed, the latest of each trial; a line that a kill tore is passed over."""
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

    def play(self, trial: Trial) -> Outcome:
        """Whatever it raises is its failure, and is written down with where it happened."""
        began = time.monotonic()
        try:
            ok, said = True, trial.play()
        except Exception:
            ok, said = False, traceback.format_exc(limit=-6)
        outcome = Outcome(
            trial=trial.name, seed=self._seed, ok=ok, said=said, seconds=time.monotonic() - began
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as lines:
            lines.write(b"\n" + msgspec.json.encode(outcome))  # behind a torn line, too
        return outcome


def played(
    trials: Iterable[Trial], record: Record, tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Play those that have not come out well yet; the outcomes of all of them."""
    well = {outcome.trial: outcome for outcome in record.kept() if outcome.ok}
    outcomes = []
    for trial in trials:
        outcome = well.get(trial.name)
        if outcome is None:
            outcome = record.play(trial)
            tell(outcome)
        outcomes.append(outcome)
    return outcomes
