"""`cohort remind`: what was typed, and the steps."""
