"""The command of `make soak`: see `python -m tests.soak --help`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

import click

# Keep ledgers and sockets of these runs apart from those of real sweeps. Set before the
# imports that could read it; a short path, because unix(7) limits socket paths to 107 bytes.
_RUNTIME = tempfile.mkdtemp(prefix="ipcb-")
os.environ["XDG_RUNTIME_DIR"] = _RUNTIME
os.environ.pop("IPCBENCH_LEDGER", None)

from tests.soak import contract, fuzz, kills, latest, looks, rings, starts  # noqa: E402
from tests.soak.trials import Outcome, Record, Trial, run_trials  # noqa: E402

Part: TypeAlias = Callable[[int], Iterator[Trial]]

PARTS: dict[str, Part] = {
    "contract": contract.trials,
    "starts": starts.trials,
    "kills": kills.trials,
    "looks": looks.trials,
    "fuzz": fuzz.trials,
    "rings": rings.trials,
    "latest": latest.trials,
}
RECORD = Path("results/soak.jsonl")


def _print(outcome: Outcome) -> None:
    result = "ok    " if outcome.ok else "FAILED"
    click.echo(f"{result} {outcome.seconds:7.1f} s  {outcome.trial}: {outcome.text}")


def _summary(part: str, outcomes: list[Outcome]) -> str:
    failed = sum(not outcome.ok for outcome in outcomes)
    impossible = sum(outcome.text.startswith("not here") for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return (
        f"{part:10} {len(outcomes):6} trials  {failed:4} failed  {impossible:4} not possible here  "
        f"{seconds / 60:6.1f} min"
    )


@click.command()
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option("--seed", default=1, show_default=True, help="Another seed draws other trials.")
@click.option("-k", "only", default="*", metavar="PATTERN", help="Only trials with such names.")
@click.option(
    "-j",
    "at_once",
    type=click.IntRange(1),
    default=min(4, len(os.sched_getaffinity(0))),
    metavar="N",
    help="So many trials at once, where they may run beside others; by default one for each CPU, "
    "and 4 at most.",
)
@click.option("--fresh", is_flag=True, help="Run passed trials again.")
def main(parts: tuple[str, ...], seed: int, only: str, at_once: int, fresh: bool) -> None:
    """Run the trials of PARTs (by default all parts) and print a summary.

    results/soak.jsonl records the outcomes. Passed trials are not run again, so that a stopped
    soak continues where it was.
    """
    for part in parts:
        if part not in PARTS:
            raise click.BadParameter(f"no part {part!r}: there are {', '.join(PARTS)}")
    if fresh:
        RECORD.unlink(missing_ok=True)
    record, summaries, failed = Record(RECORD, seed), [], False
    for part in parts or PARTS:
        wanted = (trial for trial in PARTS[part](seed) if fnmatchcase(trial.name, only))
        outcomes = run_trials(wanted, record, _print, at_once)
        summaries.append(_summary(part, outcomes))
        failed = failed or not all(outcome.ok for outcome in outcomes)
    click.echo("\n".join(summaries))
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(_RUNTIME, ignore_errors=True)
