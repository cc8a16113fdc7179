"""What patients open at the door."""
