"""Flows that look after the installation on schedule."""
