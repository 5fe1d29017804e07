"""The sentence about the evidence: how much was measured, and how much of it is decided."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.reports.page.found import Found
from ipcbench.reports.verdicts.finding import many
from ipcbench.reports.verdicts.statements.judging import Judged
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict


def sentence(found: Found, judged: Sequence[Judged]) -> str:
    """Count the cells, the rounds, the decided contests and the chapter's statements."""
    cells = [one for one in found.cells if not one.cell.is_control]
    if not cells:
        return "Nothing was measured."
    rounds = [len(one.times) for one in cells]
    span = f"{min(rounds)}" if min(rounds) == max(rounds) else f"{min(rounds)} to {max(rounds)}"
    text = f"{many(len(cells), 'cell')} in {span} {'rounds' if max(rounds) != 1 else 'round'}"
    contests = len(found.comparisons)
    decided = contests - sum(one.is_open for one in found.comparisons)
    if contests:
        text += f", {decided} of {many(contests, 'contest')} decided"
    known = [one for one in judged if one.verdict is not ClaimVerdict.NONE]
    supported = sum(one.verdict is ClaimVerdict.SUPPORTED for one in known)
    if len(known) > 1:
        text += f"; of {many(len(known), 'statement')} of the chapter, {supported} supported"
    return f"{text}."
