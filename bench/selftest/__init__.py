"""Selftest of the gate: comparisons of equal arms, in which some cells are slowed on purpose."""
