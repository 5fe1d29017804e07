"""Shared memory segments, each kind in a file."""
