"""Transports of Python's `multiprocessing`."""
