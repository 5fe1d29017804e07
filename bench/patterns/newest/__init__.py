"""The pattern `latest`: one process publishes a value, all others read the newest one."""
