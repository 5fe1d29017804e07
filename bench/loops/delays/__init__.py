"""Delays of the controls and of the selftest: calls and loops that are slowed on purpose."""
