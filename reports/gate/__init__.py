"""The gate: promises about a run, and the check of a run against them."""
