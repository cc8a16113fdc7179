"""Puts an import back: what it changed and added, as far as nobody changed it since."""
