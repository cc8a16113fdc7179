"""What people do themselves: follow-ups, replies, STOP from shared numbers, and what replies hold back."""
