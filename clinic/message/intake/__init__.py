"""What of a list a campaign needs, when it is imported."""
