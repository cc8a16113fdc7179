"""Who may do what, who approved it, and the audit trail of what was done."""
