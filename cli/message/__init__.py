"""`cohort message`: what was typed, the steps, and the preview."""
