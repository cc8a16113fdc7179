"""What is said: templates, what they may say, their values, and what a text costs."""
