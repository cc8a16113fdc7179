"""What changes between the check and the sending: days go by, patients leave a group."""
