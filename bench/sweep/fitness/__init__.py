"""Fitness of this machine to measure on: findings, and the verdict that they lead to."""
