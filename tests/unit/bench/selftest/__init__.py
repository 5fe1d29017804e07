"""Tests of bench.selftest, and of the delay by which it slows cells."""
