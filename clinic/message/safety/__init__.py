"""What a safety check finds, and who answers for it."""
