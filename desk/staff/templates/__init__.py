"""Templates: what can be sent, and whom it is for."""
