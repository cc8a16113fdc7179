"""The HTTP gateway for texts."""
