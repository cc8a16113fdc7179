"""Statements that are compiled once a process, and made once for all batches."""
