"""A database on another machine: how it is reached."""
