"""Diagnoses, medications and allergies of another system."""
