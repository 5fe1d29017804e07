"""Hypothesis without a clock: on a busy machine with two cores, slow is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ipcbench", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("ipcbench")
