"""Distributions of the statistics that comparisons use."""
