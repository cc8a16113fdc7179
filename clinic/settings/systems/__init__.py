"""Systems of others that the record is saved to."""
