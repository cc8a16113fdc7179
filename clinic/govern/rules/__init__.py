"""Settings that one person alone may not change."""
