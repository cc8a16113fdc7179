"""What all pages share: who visits, what comes back, and how it looks."""
