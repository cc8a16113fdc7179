"""How long what is kept is kept: what is due, what holds it, what goes and what is left of it (NEW-39)."""
