"""A patient's data are taken out, or kept and not used: asked by one, approved by another, done to its end."""
