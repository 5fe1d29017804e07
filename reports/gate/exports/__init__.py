"""Formats of the report of a gate: a function each, from a `GateReport` to text."""
