"""From a list to a campaign that may start: staged, reviewed, approved, due, controlled."""
