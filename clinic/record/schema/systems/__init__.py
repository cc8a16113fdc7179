"""What is known of systems of others: what was saved there, and what waits for it."""
