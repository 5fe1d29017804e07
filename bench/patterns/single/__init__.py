"""Patterns of a single process that is no end of a link."""
