"""What comes from other systems, as the record keeps it."""
