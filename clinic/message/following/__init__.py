"""The campaigns by another channel that follow a campaign whose own did not reach everybody (decision 0051)."""
