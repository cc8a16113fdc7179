"""Bulk messages: what was sent, to whom, and what became of it."""
