"""Hypothesis without deadlines: on a busy machine with two cores, a slow test is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ipcbench", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("ipcbench")
