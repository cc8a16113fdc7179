"""Each kind of operation, a module each, and the table of them."""
