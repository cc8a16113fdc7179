"""The end of an installation on this machine: what it has, its removal, and the search that proves it."""
