"""What stands before every command: who types it, and whether they may."""
