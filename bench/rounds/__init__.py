"""Rounds: their cells and their order, the looks between them, and the time that they take."""
