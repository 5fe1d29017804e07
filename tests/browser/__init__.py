"""Tests of the page in a browser: its controls, its accessibility, and how it looks."""
