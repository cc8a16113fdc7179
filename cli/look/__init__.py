"""The panel Look of `cohort --help`: what became of what was sent."""
