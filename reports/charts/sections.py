"""Sections of a page to which charts belong, in the order of the page."""

LADDER, SMALL, LARGE, MANY, SITUATION, EVIDENCE = SECTIONS = (
    "ladder", "small", "large", "many", "situation", "evidence",
)  # fmt: skip
CELLS = "cells"  # the one chart of a narrow run
