"""Tells staff, not patients, of an operation: facilities, providers, the practice's own team."""
