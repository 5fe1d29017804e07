"""Blocks of a run: what they have shown, beside their times."""
