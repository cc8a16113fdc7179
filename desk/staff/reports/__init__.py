"""Reports: all messages that were sent, and patients by what they have in common, to be messaged."""
