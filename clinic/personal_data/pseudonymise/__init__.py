"""A copy of the record with synthetic people, for tests and support: from the catalogue, column by column."""
