"""Sending: the ledger, its intents, and the workers that send."""
