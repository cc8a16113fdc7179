"""What all kinds share: states, outcomes, the shape of a kind, parts, locks."""
