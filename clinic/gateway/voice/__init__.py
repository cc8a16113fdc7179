"""Calls that read a message to whoever answers."""
