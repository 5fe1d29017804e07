"""Bounded types of a journal's fields: msgspec checks them when an entry is read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

LONGEST_TEXT = 2000  # characters of a text of an experiment
MOST_COLUMNS = 100  # of a row of an experiment

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]
# Seconds, shares and loads: some may be below 0 when a clock is corrected.
Number: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
Span: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e13)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
PValue: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e6)]  # corrected: it may exceed 1

# A row of an experiment's table: column -> cell.
Row: TypeAlias = Annotated[dict[Text, Number | Text], msgspec.Meta(max_length=MOST_COLUMNS)]
Bound: TypeAlias = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]  # of a ratio, as in a file
