"""The audit trail as people ask for it, and as a file."""
