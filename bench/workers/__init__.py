"""The processes of a run: fork server, worker and peers."""
