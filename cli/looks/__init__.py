"""Which commands show patients, and how each look is written down before anything is shown."""
