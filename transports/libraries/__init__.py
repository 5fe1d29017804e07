"""Facilities of messaging libraries, as plug-ins of the extra `libraries`."""
