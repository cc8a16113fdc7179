"""Right person: what must hold before a patient is messaged, and who answers for it where it does not."""
