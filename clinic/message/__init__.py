"""What is said, when, and what became of it: templates, campaigns, the ledger, receipts, replies."""
