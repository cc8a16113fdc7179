"""One file that holds all of an installation, and an installation made from that file."""
