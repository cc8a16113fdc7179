"""What an installation on its own machines, or in containers, begins with: an image, units of systemd."""
