"""Is a list, as a whole, fit to act on: suites, expectations, checks and the verdict."""
