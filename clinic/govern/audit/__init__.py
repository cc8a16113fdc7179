"""The audit trail: acts, chains of blocks, seals, and whether it is what was written."""
