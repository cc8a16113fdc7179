"""What comes back: delivery receipts, replies and unsubscribe requests, kept first and then applied."""
