"""Patterns: the work of the processes of a run, one file each."""
