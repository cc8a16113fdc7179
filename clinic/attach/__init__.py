"""Documents that messages lead to: looked through, cleaned, kept."""
