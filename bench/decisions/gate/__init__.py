"""Decisions of the gate: the sequential test of a cell, its interval, its simulation. Pure."""
