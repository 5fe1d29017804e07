"""Newest values: one process publishes, and any number of others read, without waiting."""
