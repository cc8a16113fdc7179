"""The staff desk: web pages over what tasks and clinic do; the terminal's equal, and unknown to it."""
