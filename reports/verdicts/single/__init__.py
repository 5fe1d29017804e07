"""Estimates of patterns of one process: accesses to a file, and channels that are set up."""
