"""A copy of the record with made-up people, for tests and support: from the catalogue, column by column."""
