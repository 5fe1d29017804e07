"""Tests of channels that carry neither messages nor wake-ups."""
