"""Text files: CSV and TSV, every line accounted for."""
