"""The machine: what it is, and how a sweep reserves it."""
