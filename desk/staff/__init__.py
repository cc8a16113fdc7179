"""The pages of staff, one noun a module; `routes.py` has them all."""
