"""Whoever no longer works here: disabled at once, with what they asked for; and whoever was away too long."""
