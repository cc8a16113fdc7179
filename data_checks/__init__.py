"""What must be true of a list before anything is done with it, and who is left out, and why."""
