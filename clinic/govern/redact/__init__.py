"""Sealed values become a stub: two people decide it, and a block of its own says so."""
