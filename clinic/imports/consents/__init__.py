"""Opt-outs and consents of another system."""
