"""How Prefect runs the work: names, retries, limits; one call each."""
