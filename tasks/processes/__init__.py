"""Processes that outlive a command: the server, the worker, their environment and log."""
