"""Patients, from an export of the practice's system."""
