"""The document that a campaign leads to."""
