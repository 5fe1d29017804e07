"""Objects that a `with` statement closes at its end."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """Context manager that calls its own `close`."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what it holds. May be called twice."""
        raise NotImplementedError
