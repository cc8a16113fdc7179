"""Planned, applied part by part, finished, undone, run again."""
