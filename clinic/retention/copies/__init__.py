"""Copies, which go by themselves when their time is over: files, cells of lists, the outbox."""
