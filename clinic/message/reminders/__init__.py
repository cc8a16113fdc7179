"""Reminders of appointments: which, asked for how, listed, and each once."""
