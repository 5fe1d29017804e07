"""Arms of a comparison: an interpreter and an environment each, prepared before the first pair."""
