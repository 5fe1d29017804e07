"""Tests of what programs rely on that use transports as a library."""
