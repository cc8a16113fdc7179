"""Groups of patients of another system, with their members."""
