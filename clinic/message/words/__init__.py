"""The word list of the content gate: what a clinician owns, and what finds it in texts."""
