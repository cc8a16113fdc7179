"""Recalls: whoever was not reached is a person's follow-up, until a person has closed it."""
