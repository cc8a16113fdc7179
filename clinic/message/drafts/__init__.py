"""Bulk messages that somebody composes at the desk, from the first page until they are sent."""
