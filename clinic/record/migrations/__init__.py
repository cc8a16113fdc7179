"""Alembic migrations: one file a change of the tables, run by `clinic.record.migrate`."""
