"""A campaign: what is asked for, what is stored of it, and what the audit trail holds."""
