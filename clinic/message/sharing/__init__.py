"""Numbers that several patients have: whose they are, how a text to one speaks, and who gets none."""
