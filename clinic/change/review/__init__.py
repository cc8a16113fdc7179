"""What people look at and decide: the review, its checklist, what comes next."""
