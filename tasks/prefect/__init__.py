"""Prefect itself: what this project asks of it and of its server."""
