"""Erasing a patient, and restricting one: asked for here, and carried out where it is approved."""
