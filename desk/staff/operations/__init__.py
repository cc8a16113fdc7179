"""Bulk operations on patients' records: chosen, asked for, followed, put back (ALC-9 to 15, 33 to 38, 44)."""
