"""What patients are asked: questionnaires, their versions, what was answered, and what comes of it."""
