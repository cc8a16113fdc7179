"""Databases: a query file per kind, run in a transaction that reads alone, its rows as they come."""
