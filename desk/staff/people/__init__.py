"""Who works here, for whoever governs that; and one's own password."""
