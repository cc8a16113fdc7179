"""Whom another channel may reach, and what proves that the first did not (decision 0051)."""
