"""The audit trail and the access log, for whoever may read them (ALC-41, NEW-37)."""
