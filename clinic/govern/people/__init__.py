"""Who works here: roles, secrets, signing in."""
