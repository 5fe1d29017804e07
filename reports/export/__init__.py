"""Figures of a run for other programs: rows, and the formats that they are written in."""
