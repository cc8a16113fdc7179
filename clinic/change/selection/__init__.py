"""Whom an operation concerns: taken once, matched, stored."""
