"""Today: what waits, runs, failed or is to be done."""
