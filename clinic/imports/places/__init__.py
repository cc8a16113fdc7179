"""Facilities and providers of another system."""
