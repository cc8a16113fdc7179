"""MESH: one report a campaign to a practice's mailbox, and whether the practice has taken it."""
