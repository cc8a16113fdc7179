"""Appointments of another system: what a row says, which of the record's it speaks of, and what is written."""
