"""One patient: found by a search, opened with a reason, and what staff say of how they are messaged."""
