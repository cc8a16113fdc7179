"""What waits for a second approver: listed, looked at, decided (ALC-33, ALC-45, NEW-1)."""
