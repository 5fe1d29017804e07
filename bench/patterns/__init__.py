"""Patterns: what the processes of a run do."""
