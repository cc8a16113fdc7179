"""The practice's clinical record on another system: what is saved there, and what became of it."""
