"""Experiments: facts about facilities that are no time, each played once a sweep."""
