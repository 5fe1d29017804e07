"""Clean-up in steps, each of which is carried out whatever the others raise."""

from __future__ import annotations

from collections.abc import Callable

from ipcbench.bench.results.files import describe


def clean_end(first: BaseException | None, *steps: Callable[[], object]) -> None:
    """Carry out all steps; report the first error alone, with a note of each later one.

    Args:
        first: the error that has led to the clean-up, which is then raised by the caller. None:
            the first error of a step is raised.
    """
    raised: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as error:
            if first is None:
                first = raised = error
            else:
                first.add_note(f"then the clean-up failed as well: {_text(error)}")
    if raised is not None:
        raise raised


def _text(error: BaseException) -> str:
    return describe(error) if isinstance(error, OSError) else str(error) or repr(error)


def notes(error: BaseException) -> str:
    """Return what a line about an error ends with: its notes."""
    return "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
