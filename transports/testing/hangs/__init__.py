"""Calls that hang: how a test tells them from slow ones, and what explains them."""
