"""Calls by a SIP trunk (docs/decisions/0052)."""
