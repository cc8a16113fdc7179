"""Scheduling visits: asked for, placed, booked."""
