"""What can be said of a list by itself, and the page that says it."""
