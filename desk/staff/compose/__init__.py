"""Create new bulk message: a draft's task list, its pages, its review, and sending it."""
