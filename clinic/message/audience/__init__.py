"""Whom a template is for: its classes and bounds, and what the record says of patients against them."""
