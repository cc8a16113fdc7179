"""The program `cohort`: what a person types, and what they see."""
